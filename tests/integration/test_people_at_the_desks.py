"""A person who goes from one unit to the next with a code on paper, and a person whom two units had entered apart."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.actions.people import ANOTHER_CLIENT, ENTRIES_LEFT, MOST_TRIES
from adapters.desk.recording_desk import DeskError
from adapters.drafts import ClientKey
from adapters.process.overviews import Overviews
from adapters.process.person_files import also_kept_as
from adapters.storage.journal import EntryKind
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.grants import to_unit
from contracts.messages.subject import SubjectPaired
from contracts.names import GroundId, SubjectId, UnitId
from contracts.pairing import PairingCodeError, new_code, written
from tests.simulation.desks import Town
from tests.simulation.programme import START

OP, UP, MD = UnitId("op"), UnitId("up"), UnitId("md")
KAREL, OTHER = ClientKey("2026-017"), ClientKey("2026-018")
BOTH = Paper(kinds=("consent", "release-from-secrecy"))
UNKNOWN = written(new_code(bytes(12)))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    made.hub.clock.at = START + timedelta(days=30)
    made["op"].desk.enrol(KAREL)
    yield made
    made.close()


def subject(town: Town, unit: str, client: ClientKey = KAREL) -> SubjectId | None:
    with town[unit].store.read() as tx:
        return tx.clients.subject_of(client)


def consent(town: Town, unit: str, client: ClientKey = KAREL) -> GroundId:
    """Everyone may share housing with everyone."""
    terms = Terms(
        (OP, UP, MD), [to_unit(one) for one in (OP, UP, MD)], (Category.HOUSING,), START + timedelta(days=300), START
    )
    taken = town[unit].desk.take_consent(client, terms, BOTH)
    town.settle()
    return taken.consent_id


def other_files(town: Town, folder: Path, unit: str, of: SubjectId) -> Sequence[str]:
    """What the unit's screens say: under which other case numbers it keeps this person."""
    overviews = Overviews.open(folder, town[unit].store)
    try:
        overviews.bring_up_to_date()
        return also_kept_as(town[unit].store, overviews, [of]).get(of, ())
    finally:
        overviews.close()


def code_of(town: Town, unit: str = "op", client: ClientKey = KAREL) -> str:
    code = town[unit].desk.give_code(client).code
    town.settle()
    return code


def enter(town: Town, unit: str, code: str, client: ClientKey = KAREL) -> None:
    town[unit].desk.enter_code(code, client)
    town.settle()


def given(town: Town, unit: str) -> set[str]:
    with town[unit].store.read() as tx:
        return {
            one.message_id for one in tx.journal.since(0, limit=1000) if one.kind is EntryKind.GIVEN and one.category
        }


def faults(town: Town, unit: str) -> list[str | None]:
    with town[unit].store.read() as tx:
        return [one.fault for one in tx.pairings.entered()]


def test_the_second_unit_goes_by_the_same_subject_and_its_entries_leave_once_there_is_a_consent(town: Town) -> None:
    town["up"].desk.assess_need(KAREL, Category.HOUSING, level="high")
    before = subject(town, "up")
    enter(town, "up", code_of(town))
    assert before != subject(town, "up") == subject(town, "op")
    assert given(town, "op") == set()
    ground = consent(town, "op")
    town["up"].desk.attest(KAREL, ground)
    town.settle()
    assert len(given(town, "op")) == 1


def test_a_code_works_while_the_unit_that_gave_it_is_closed(town: Town) -> None:
    code = code_of(town)
    town["op"].online = False
    enter(town, "up", code)
    assert subject(town, "up") == subject(town, "op")
    town["op"].online = True
    town.settle()
    with town["op"].store.read() as tx:
        (noted,) = tx.pairings.given()
        karel = tx.clients.subject_of(KAREL)
        assert karel is not None
        said = [parse(one.payload).facts for one in tx.journal.of_subject(karel) if one.payload]
    assert noted.joined_by == UP
    assert [one.joined for one in said if isinstance(one, SubjectPaired)] == [UP]


def test_a_code_is_kept_nowhere_and_its_key_only_until_it_was_opened(town: Town) -> None:
    code = code_of(town)
    enter(town, "up", code)
    for unit in ("op", "up"):
        with town[unit].store.read() as tx:
            assert all(one.key is None for one in tx.pairings.entered())
        raw = b"".join(file.read_bytes() for file in Path(str(town_folder(town, unit))).parent.glob(f"{unit}.db*"))
        assert code.replace("-", "").encode() not in raw


def town_folder(town: Town, unit: str) -> str:
    with town[unit].store.read() as tx:
        return str(tx.connection.engine.url.database)


def test_an_unknown_a_used_and_a_run_out_code_look_alike_to_whoever_enters_them(town: Town) -> None:
    used, run_out = code_of(town), code_of(town)
    enter(town, "md", used)
    town.hub.clock.at += timedelta(days=30)
    for number, code in enumerate((UNKNOWN, used, run_out)):
        enter(town, "up", code, ClientKey(f"c-{number}"))
    with town["up"].store.read() as tx:
        outcomes = tx.receipts.outcomes([one.message_id for one in tx.pairings.entered()])
        assert [one.code for one in outcomes.values()] == [RefusalCode.PAIRING_NOT_OPEN] * 3
        assert tx.quarantine.open_items() == [], "nobody is asked to correct a code"
        assert tx.clients.all() == []
        assert given(town, "up") == set()


def test_whoever_tries_codes_out_is_stopped_after_five_that_led_nowhere(town: Town) -> None:
    for number in range(MOST_TRIES):
        enter(town, "up", written(new_code(bytes(11) + bytes([2 * number]))))
    good = code_of(town)
    with pytest.raises(DeskError, match="Too many"):
        town["up"].desk.enter_code(good, KAREL)
    town.hub.clock.at += timedelta(hours=1, seconds=1)
    enter(town, "up", good)
    assert subject(town, "up") == subject(town, "op")


def test_a_mistyped_code_never_leaves_the_desk_and_is_no_try(town: Town) -> None:
    code = code_of(town)
    wrong = ("0" if code[0] != "0" else "1") + code[1:]
    for _ in range(MOST_TRIES + 1):
        with pytest.raises(PairingCodeError, match="mistyped"):
            town["up"].desk.enter_code(wrong, KAREL)
    with town["up"].store.read() as tx:
        assert tx.outbox.next_to_send(10) == []
    enter(town, "up", code)
    assert subject(town, "up") == subject(town, "op")


def test_a_unit_is_told_when_it_enters_its_own_code(town: Town) -> None:
    with pytest.raises(DeskError, match="given out here"):
        town["op"].desk.enter_code(code_of(town), KAREL)


def test_a_client_who_is_another_one_here_is_not_linked_twice(town: Town) -> None:
    enter(town, "up", code_of(town), KAREL)
    enter(town, "up", code_of(town), OTHER)
    assert faults(town, "up") == [None, ANOTHER_CLIENT]
    assert subject(town, "up", OTHER) is None


def test_where_entries_have_left_already_both_files_stay_and_a_merge_shows_them_together(
    town: Town, tmp_path: Path
) -> None:
    town["up"].desk.enrol(OTHER)
    consent(town, "up", OTHER)
    town["up"].desk.assess_need(OTHER, Category.HOUSING, level="high")
    town.settle()
    own = subject(town, "up", OTHER)
    enter(town, "up", code_of(town), OTHER)
    assert faults(town, "up") == [ENTRIES_LEFT]
    assert subject(town, "up", OTHER) == own
    beside = subject(town, "up", ClientKey(f"{OTHER}/op"))
    assert beside == subject(town, "op")
    with pytest.raises(DeskError, match="no reason to share"):
        town["up"].desk.propose_merge(own or beside, beside or own, method="pairing-code")  # type: ignore[arg-type] # both are there
    consent(town, "op")
    assert own is not None
    assert beside is not None
    made = town["up"].desk.propose_merge(own, beside, method="pairing-code")
    town.settle()
    town["md"].desk.review_merge(made.merge_id, method="asked-client")
    town.settle()
    with town["op"].store.read() as tx:
        assert len([one for one in tx.journal.since(0, limit=1000) if "subject.merged" in one.type]) == 4
    assert other_files(town, tmp_path, "up", own) == (f"{OTHER}/op",)
    town["up"].desk.split(made.merge_id, reason="other-person")
    town.settle()
    assert other_files(town, tmp_path, "up", own) == ()


def test_equal_case_numbers_of_two_units_never_meet(town: Town) -> None:
    town["up"].desk.enrol(KAREL)
    town["md"].desk.enrol(KAREL)
    town.settle()
    assert len({subject(town, unit) for unit in ("op", "up", "md")}) == 3


def test_a_unit_that_knows_one_side_only_is_told_of_no_review_to_make(town: Town) -> None:
    town["up"].desk.enrol(OTHER)
    terms = Terms((UP,), [to_unit(OP)], (Category.HOUSING,), START + timedelta(days=300), START)
    town["up"].desk.take_consent(OTHER, terms, BOTH)
    consent(town, "op")
    one, other = subject(town, "op"), subject(town, "up", OTHER)
    assert one is not None
    assert other is not None
    made = town["up"].desk.propose_merge(one, other, method="records-compared")
    town.settle()
    with pytest.raises(DeskError, match="not told of both"):
        town["md"].desk.review_merge(made.merge_id, method="asked-client")
    with town["md"].store.read() as tx:
        assert not any(other.encode() in (entry.payload or b"") for entry in tx.journal.since(0, limit=1000))
