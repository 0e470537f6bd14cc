"""Opening in an emergency what a unit holds and its rules hide: off by default, for six hours, seen by the client, judged by a second person."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader

from adapters.drafts import ClientKey
from adapters.words import LANGUAGES, Language, texts
from contracts.access_view import AccessView
from contracts.categories import Purpose
from contracts.envelope import parse
from contracts.messages.access import RecordAccessed
from tests.shared_office import SharedOffice
from tests.simulated_hub import NOON, message_id

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

CLIENT = ClientKey("2026/17")
NOTE = "sleeps in a car"
BY = ("--actor", "adviser/w1")
WHY = ("--reason", "shelter-tonight", "--why", "Frost tonight, she has no bed")
LATER = NOON + timedelta(days=8)


@pytest.fixture
def office(tmp_path: Path) -> SharedOffice:
    """A unit out of touch for eight days, which may open in an emergency; one entry was given for another purpose."""
    (tmp_path / "home").mkdir()
    office = SharedOffice.make(tmp_path / "home")
    office.service(1, NOTE)
    office.for_control(77)
    office.adopt(CLIENT)
    with (office.home / "adapter.toml").open("a") as settings:
        settings.write('emergency_units = ["up"]\n')
    it_is(office, LATER)
    return office


def it_is(office: SharedOffice, now: datetime) -> None:
    (office.home / "story").write_text(now.isoformat())


def accessed(office: SharedOffice) -> list[RecordAccessed]:
    house = office.house()
    with house.store.read() as tx:
        messages = [parse(one.payload or b"") for one in tx.journal.since(0, limit=1000)]
    house.close()
    return [one.facts for one in messages if isinstance(one.facts, RecordAccessed)]


def seen(shown: str) -> set[str]:
    return {one["id"] for one in json.loads(shown)}


def openings(office: SharedOffice, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(office.type("emergency", "list", "--json", *more))
    return found


def test_nobody_opens_anything_where_the_institution_has_not_said_so_and_the_attempt_is_reported(
    office: SharedOffice,
) -> None:
    settings = office.home / "adapter.toml"
    settings.write_text(settings.read_text().replace('emergency_units = ["up"]\n', ""))
    assert "opens nothing in an emergency" in office.fails("emergency", "open", CLIENT, *BY, *WHY)
    (tried,) = accessed(office)
    assert (tried.outcome, tried.reason, tried.reader, tried.emergency) == (
        "refused",
        "emergency-off",
        "adviser/w1",
        None,
    )
    assert openings(office, "--all") == []


def test_it_shows_what_the_unit_holds_against_lease_and_purpose_and_every_look_bears_the_reason(
    office: SharedOffice,
) -> None:
    assert seen(office.type("timeline", CLIENT, *BY, "--json")) == set()
    shown = office.type("emergency", "open", CLIENT, *BY, *WHY, "--json")
    assert {message_id(1), message_id(77)} <= seen(shown)
    assert NOTE in shown
    office.type("emergency", "look", CLIENT, *BY, "--json")
    plain, *under = accessed(office)
    assert plain.emergency is None
    assert len(under) == 2
    for one in under:
        assert one.emergency is not None
        assert (one.emergency.reason, one.emergency.until) == ("shelter-tonight", LATER + timedelta(hours=6))
        assert (set(one.entries), one.purpose_of_access) == ({message_id(1), message_id(77)}, Purpose.SUPPORT)
        assert "Frost" not in one.model_dump_json(), "what was typed stays in the unit"


def test_what_was_erased_is_not_there_in_an_emergency_either(office: SharedOffice) -> None:
    house = office.house()
    with house.store.write() as tx:
        tx.journal.erase([message_id(1)])
    house.close()
    assert NOTE not in office.type("emergency", "open", CLIENT, *BY, *WHY, "--json")


def test_it_ends_after_six_hours_and_is_open_to_nobody_else(office: SharedOffice) -> None:
    office.type("emergency", "open", CLIENT, *BY, *WHY)
    assert "Nothing is open" in office.fails("emergency", "look", CLIENT, "--actor", "adviser/w2")
    it_is(office, LATER + timedelta(hours=6))
    assert "Nothing is open" in office.fails("emergency", "look", CLIENT, *BY)
    assert [one.reason for one in accessed(office) if one.outcome == "refused"] == ["emergency-not-open"] * 2
    assert not {message_id(1), message_id(77)} & seen(office.type("timeline", CLIENT, *BY, "--json"))


@pytest.mark.parametrize(
    "given", [("--reason", "curious", "--why", "I would like to see it"), ("--reason", "shelter-tonight", "--why", ".")]
)
def test_without_a_reason_of_the_list_and_in_words_it_stays_shut(office: SharedOffice, given: tuple[str, ...]) -> None:
    office.fails("emergency", "open", CLIENT, *BY, *given)
    assert [one.reason for one in accessed(office)] == ["emergency-no-reason"]


def test_a_second_person_judges_it_and_says_so_to_client_and_auditor(office: SharedOffice) -> None:
    office.type("emergency", "open", CLIENT, *BY, *WHY)
    (opening,) = openings(office)
    number = str(opening["number"])
    own = ("--actor", "head/w1", "--as", "justified")
    assert "Nobody judges their own" in office.fails("emergency", "judge", number, *own), (
        "the same person, another role"
    )
    office.type("emergency", "judge", number, "--actor", "head/w7", "--as", "not-justified")
    assert openings(office) == []
    *_, refused, said = accessed(office)
    assert (refused.outcome, refused.reason) == ("refused", "emergency-own-opening")
    assert said.emergency is not None
    assert (said.reader, said.emergency.judged, said.entries) == ("head/w7", "not-justified", ())
    assert "judged before" in office.fails("emergency", "judge", number, "--actor", "head/w8", "--as", "justified")


def test_while_one_is_overdue_nothing_more_is_opened_and_the_screen_asks_for_a_person(office: SharedOffice) -> None:
    office.type("emergency", "open", CLIENT, *BY, *WHY)
    it_is(office, LATER + timedelta(hours=23))
    office.type("emergency", "open", CLIENT, "--actor", "adviser/w2", *WHY)
    it_is(office, LATER + timedelta(hours=24))
    assert "not judged by a second person" in office.fails("emergency", "open", CLIENT, *BY, *WHY)
    assert json.loads(office.type("health", "--json"))["emergencies_overdue"] == 1
    assert "overdue" in office.type("emergency", "list")
    office.type("emergency", "judge", str(openings(office)[0]["number"]), "--actor", "head/w7", "--as", "justified")
    office.type("emergency", "open", CLIENT, *BY, *WHY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_client_reads_in_their_language_that_it_was_opened_and_why(
    office: SharedOffice, language: Language
) -> None:
    office.type("emergency", "open", CLIENT, *BY, *WHY, "--lang", language)
    looks = office.home.parent / "looks.json"
    office.type("report", "accesses", CLIENT, *BY, "--to", str(looks))
    view = AccessView.model_validate_json(looks.read_text(encoding="utf-8"))
    assert [one.emergency for one in view.lines] == ["shelter-tonight"]
    page = office.home.parent / "looks.pdf"
    office.type("report", "accesses", CLIENT, *BY, "--to", str(page), "--lang", language)
    text = " ".join(" ".join(one.extract_text() for one in PdfReader(page).pages).split())
    assert texts(language)["report.look.emergency"].split(",")[0] in text


def test_a_look_that_a_law_hides_reaches_the_client_after_its_day(office: SharedOffice) -> None:
    hide = ("--hidden-until", "2026-03-01", "--hidden-because", "child-protection")
    office.type("timeline", CLIENT, *BY, *hide)
    (look,) = accessed(office)
    assert look.hidden is not None
    assert look.hidden.basis == "child-protection"
    looks = office.home.parent / "looks.json"
    office.type("report", "accesses", CLIENT, *BY, "--to", str(looks))
    assert AccessView.model_validate_json(looks.read_text(encoding="utf-8")).lines == ()
    it_is(office, NOON + timedelta(days=21))
    office.type("report", "accesses", CLIENT, *BY, "--to", str(looks))
    assert len(AccessView.model_validate_json(looks.read_text(encoding="utf-8")).lines) == 2


@pytest.mark.parametrize(
    "given", [("--hidden-until", "2026-03-01"), ("--hidden-until", "2028-01-01", "--hidden-because", "court-order")]
)
def test_a_look_is_hidden_by_a_law_for_a_time_or_not_at_all(office: SharedOffice, given: tuple[str, ...]) -> None:
    office.fails("timeline", CLIENT, *BY, *given)
    assert accessed(office) == []
