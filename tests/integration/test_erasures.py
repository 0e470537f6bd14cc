"""A client asks one unit to have everything erased, and it is gone where it was shared; the author's own records stay."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters import commands
from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.actions.duties import Statement
from adapters.drafts import ClientKey
from adapters.storage.journal import EntryKind
from contracts.categories import Category
from contracts.grants import to_unit
from contracts.messages.erasure import ErasureCarriedOut
from contracts.names import UnitId
from tests.integration.api.api_rig import place_in
from tests.simulation.desks import Town
from tests.simulation.programme import START

KAREL = ClientKey("2026-017")
OP, UP = UnitId("op"), UnitId("up")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """OP shares two entries about Karel with UP."""
    made = Town(tmp_path)
    made.hub.clock.at = START + timedelta(days=30)
    desk = made["op"].desk
    desk.enrol(KAREL)
    terms = Terms((OP,), [to_unit(UP)], (Category.HOUSING, Category.SKILLS), START + timedelta(days=300), START)
    desk.take_consent(KAREL, terms, Paper(kinds=("consent", "release-from-secrecy")))
    desk.assess_need(KAREL, Category.HOUSING, level="high")
    desk.assess_need(KAREL, Category.SKILLS, level="moderate")
    made.settle()
    yield made
    made.close()


def held(town: Town, unit: str) -> list[str]:
    """The categories of others' entries whose content is there."""
    with town[unit].store.read() as tx:
        entries = tx.journal.since(0, limit=1000)
    return sorted(str(one.category) for one in entries if one.kind is EntryKind.GIVEN and one.category)


def answer_all(town: Town, unit: str) -> int:
    with town[unit].store.read() as tx:
        duties = list(tx.obligations.unanswered())
    for duty in duties:
        assert duty.facts.because == "erasure"
        town[unit].desk.answer_obligation(duty.facts.obligation_id, Statement())
    town.settle()
    return len(duties)


def test_what_was_shared_is_erased_where_it_went_and_the_authors_own_stays(town: Town) -> None:
    assert held(town, "up") == ["housing", "skills"]
    town["op"].desk.ask_erasure(KAREL)
    town.settle()
    assert answer_all(town, "up") == 1
    assert held(town, "up") == []
    with town["op"].store.read() as tx:
        own = [one for one in tx.journal.since(0, limit=1000) if one.kind is EntryKind.OWN and one.category]
    assert [one.payload is not None for one in own] == [True] * len(own)


def test_only_what_the_client_named_is_erased(town: Town) -> None:
    town["op"].desk.ask_erasure(KAREL, [Category.HOUSING])
    town.settle()
    answer_all(town, "up")
    assert held(town, "up") == ["skills"]


def test_who_asked_sees_when_it_was_done_and_until_then_that_it_is_not(town: Town) -> None:
    asked = town["op"].desk.ask_erasure(KAREL)
    town.settle()
    (before,) = town["op"].desk.erasures()
    assert (before.message_id, before.carried_out) == (asked.message_id, None)
    assert asked.message_id is not None
    now = town.hub.clock.at
    done = ErasureCarriedOut(
        request_id=asked.message_id, entries=2, keys=2, live_at=now, beyond_at=now + timedelta(days=30)
    )
    _, signed = town.hub.programme.voice.say(done, name="done", at=now, subject=before.subject)
    town.hub.take([town.hub.record(signed, before.subject)])
    town.settle()
    (after,) = town["op"].desk.erasures()
    assert after.carried_out == done


@pytest.mark.parametrize(("language", "said"), [("en", "not yet"), ("cs", "zatím ne"), ("pl", "jeszcze nie")])
def test_a_worker_asks_at_the_command_line_and_reads_what_became_of_it(
    tmp_path: Path, language: str, said: str
) -> None:
    with place_in(tmp_path) as place:
        place.consented("2026/17")
        where = ["--home", str(place.home), "--unit", OP, "--lang", language]
        asked = CliRunner().invoke(commands.app, ["erasure", "request", "2026/17", "--category", "housing", *where])
        assert asked.exit_code == 0, asked.output
        listed = CliRunner().invoke(commands.app, ["erasure", "list", *where])
        assert "2026/17" in listed.output
        assert said in listed.output
        (document,) = json.loads(CliRunner().invoke(commands.app, ["erasure", "list", "--json", *where]).output)
        assert (document["client"], document["categories"], document["live_at"]) == ("2026/17", ["housing"], None)


def test_a_worker_stops_sharing_of_one_area_and_lets_it_go_on(tmp_path: Path) -> None:
    with place_in(tmp_path) as place:
        place.consented("2026/17")
        where = ["--home", str(place.home), "--unit", OP, "--lang", "en"]

        def share() -> str:
            sent = {"to": "up", "category": "housing", "answer-due": "2026-02-20"}
            given = [word for name, value in sent.items() for word in (f"--{name}", value)]
            return str(CliRunner().invoke(commands.app, ["refer", "2026/17", *given, *where]).output)

        stopped = CliRunner().invoke(commands.app, ["client", "restrict", "2026/17", "--category", "housing", *where])
        assert stopped.exit_code == 0, stopped.output
        assert "Processing of this is restricted" in share()
        assert CliRunner().invoke(commands.app, ["client", "lift", "2026/17", *where]).exit_code == 0
        assert "kept here" not in share()
