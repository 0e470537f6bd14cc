"""A folder imported at a unit's real desk: what a second import, a newer export, an older one and a deletion do."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date
from pathlib import Path

import pytest

from adapters.connectors.drafting import Drafting, ImportSettings
from adapters.connectors.drop_folder import DropFolder
from adapters.connectors.importing import Imported, keep_refusals, to_record
from adapters.connectors.mapping_file import load_mapping
from adapters.connectors.reference_secret import FILE, ReferenceSecretError, load_or_create
from adapters.connectors.scratch import Scratch
from adapters.connectors.unit_desk import StoredRows
from adapters.desk import recording_desk
from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.recorded import RecordedState
from adapters.drafts import ClientKey
from adapters.storage.journal import EntryKind
from contracts.categories import Category
from contracts.envelope import open_clear, parse
from contracts.grants import to_unit
from contracts.messages.entry import CorrectionContent, EntryCorrected
from contracts.names import RecordKey, SubjectId, UnitId
from contracts.referral_table import ReferralState
from deploy.hmis_sample import write_hmis_sample
from hub.application.case_files import fold
from hub.domain.events import MessageRefused
from hub.infrastructure.memory_store import MemoryWriterStore
from tests.simulation.desks import DeskUnit, Town
from tests.unit.connectors.folder import NOW, SECRET, write_hmis

KNOWN = ClientKey("10/7")
ENROLLED = "e1,7,1,2026-01-05,,\n"
MAPPING = load_mapping("hmis")


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[DeskUnit]:
    (tmp_path / "town").mkdir()
    town = Town(tmp_path / "town")
    town.hub.move_to(NOW)
    yield town["op"]
    town.close()


def settings_of(unit: DeskUnit) -> ImportSettings:
    return ImportSettings(UTC, unit.hub.clock.now(), SECRET)


def load(unit: DeskUnit, folder: Path, *, stop_after: int | None = None) -> Imported:
    imported = Imported()
    with Scratch() as scratch:
        made = Drafting(MAPPING, DropFolder(folder, MAPPING), scratch, settings_of(unit)).made()
        for number, recorded in enumerate(unit.desk.record_many(to_record(made, StoredRows(unit.store)))):
            imported.count(recorded)
            if number == stop_after:
                return imported
        imported.items = keep_refusals(scratch.refusals(), desk=unit.desk, mapping="hmis")
    return imported


def own(unit: DeskUnit) -> Counter[str]:
    with unit.store.read() as tx:
        entries = [one for each in tx.clients.all() for one in tx.journal.of_subject(each[1])]
    return Counter(one.type for one in entries if one.kind is EntryKind.OWN)


def corrections(unit: DeskUnit) -> list[tuple[EntryCorrected, CorrectionContent]]:
    with unit.store.read() as tx:
        entries = [one for each in tx.clients.all() for one in tx.journal.of_subject(each[1])]
    opened = [open_clear(parse(one.payload)) for one in entries if one.payload is not None]
    return [(f, c) for f, c in opened if isinstance(f, EntryCorrected) and isinstance(c, CorrectionContent)]


def test_without_consent_an_import_publishes_nothing_and_loses_nothing(unit: DeskUnit, tmp_path: Path) -> None:
    write_hmis_sample(tmp_path / "sample", clients=30, nights=3)
    imported = load(unit, tmp_path / "sample")
    assert sum(own(unit).values()) == imported.states["held"] > 60
    assert imported.states["waiting"] == unit.send() == 0
    with unit.store.read() as tx:
        kept = len(tx.quarantine.open_items())
    assert imported.states["refused"] == kept, "what is neither sent nor held waits as an open item"


def test_the_same_folder_again_makes_nothing_also_after_a_crash_in_the_middle(
    unit: DeskUnit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_desk, "CHUNK", 500)
    write_hmis_sample(tmp_path / "sample", clients=160, nights=8)
    load(unit, tmp_path / "sample", stop_after=520)
    cut = sum(own(unit).values())
    load(unit, tmp_path / "sample")
    whole = sum(own(unit).values())
    again = load(unit, tmp_path / "sample")
    assert 490 <= cut < whole
    assert (again.states["held"], again.repeated) == (0, whole)
    assert sum(own(unit).values()) == whole


def test_a_newer_row_becomes_a_correction_and_an_older_export_changes_nothing(unit: DeskUnit, tmp_path: Path) -> None:
    newer = "x1,e1,7,2026-01-20,435,2026-01-22 10:00:00,\n"
    load(unit, write_hmis(tmp_path, Enrollment=ENROLLED, Exit="x1,e1,7,2026-01-20,410,2026-01-21 10:00:00,\n"))
    assert not corrections(unit)
    load(unit, write_hmis(tmp_path, Enrollment=ENROLLED, Exit=newer))
    ((_, content),) = corrections(unit)
    assert content.facts is not None
    assert content.facts["destination"] == "hmis-2024:destination/435"
    load(unit, write_hmis(tmp_path, Enrollment=ENROLLED, Exit="x1,e1,7,2026-01-20,410,2026-01-21 10:00:00,\n"))
    load(unit, write_hmis(tmp_path, Enrollment=ENROLLED, Exit=newer))
    assert len(corrections(unit)) == 1


def test_a_row_deleted_later_is_corrected_once_and_one_never_imported_is_nothing(
    unit: DeskUnit, tmp_path: Path
) -> None:
    rows = "x1,e1,7,2026-01-20,410,,\nx2,e1,7,2026-01-21,410,,2026-01-22\n"
    load(unit, write_hmis(tmp_path, Enrollment=ENROLLED, Exit=rows))
    assert not corrections(unit)
    deleted = rows.replace("410,,\n", "410,,2026-01-23\n")
    for _ in range(2):
        load(unit, write_hmis(tmp_path, Enrollment=ENROLLED, Exit=deleted))
    assert [facts.reason for facts, _ in corrections(unit)] == ["entered-in-error"]


@pytest.fixture
def shared(unit: DeskUnit) -> DeskUnit:
    """The client of `ENROLLED` agreed that the school sees what this unit enters about housing and skills."""
    terms = Terms(
        sources=[UnitId("op")],
        recipients=[to_unit(UnitId("vz"))],
        categories=[Category.HOUSING, Category.INCOME_DEBT],
        until=date(2027, 1, 31),
        history_from=date(2026, 1, 1),
    )
    paper = Paper(kinds=("consent", "release-from-secrecy"))
    assert unit.desk.take_consent(KNOWN, terms, paper).messages[0].state is RecordedState.WAITING
    return unit


def events(unit: DeskUnit, folder: Path, row: str) -> Imported:
    """Import one row of Event.csv and let everything reach the hub."""
    imported = load(unit, write_hmis(folder, Enrollment=ENROLLED, Event=row))
    while unit.send():
        pass
    unit.hub.relay_all()
    unit.receive()
    return imported


def stands(unit: DeskUnit) -> list[ReferralState]:
    """What the hub makes of the referrals."""
    key = RecordKey(subject_of(unit))
    path = fold(key, MemoryWriterStore(unit.hub.shard).load([key])[key]).path
    return [one.state for one in path.referrals.values()]


def refused(unit: DeskUnit) -> list[str]:
    """What the hub did not accept."""
    return [one.code for one in unit.hub.shard.log if isinstance(one, MessageRefused)]


def subject_of(unit: DeskUnit) -> SubjectId:
    with unit.store.read() as tx:
        found = tx.clients.subject_of(KNOWN)
    assert found is not None
    return found


def test_a_referral_that_was_written_wrongly_is_corrected_after_it_left_and_given_to_whom_it_was_given(
    shared: DeskUnit, tmp_path: Path
) -> None:
    events(shared, tmp_path, "v1,e1,7,2026-01-10,13,old street,,,2026-01-10 10:00:00,\n")
    assert refused(shared) == []
    newer = "v1,e1,7,2026-01-12,14,new street,,,2026-01-14 10:00:00,\n"
    for _ in range(2):
        assert events(shared, tmp_path, newer).states["refused"] == 0
    ((facts, content),) = corrections(shared)
    assert facts.reason == "incomplete"
    assert content.facts == {"kind": "referral", "service": "hmis-2024:event/14"}
    assert content.content == {"external_target": "new street"}
    assert content.note == "It happened on 2026-01-12T00:00+00:00."
    assert stands(shared) == [ReferralState.SENT]
    assert refused(shared) == []
    with shared.store.read() as tx:
        assert tx.quarantine.open_items() == []


def test_a_result_that_came_later_moves_the_referral_and_a_later_refusal_says_that_it_was_not_taken_up(
    shared: DeskUnit, tmp_path: Path
) -> None:
    events(shared, tmp_path, "v1,e1,7,2026-01-10,13,street,,,2026-01-10 10:00:00,\n")
    assert stands(shared) == [ReferralState.SENT]
    events(shared, tmp_path, "v1,e1,7,2026-01-10,13,street,1,2026-01-15,2026-01-15 10:00:00,\n")
    assert stands(shared) == [ReferralState.ACCEPTED]
    for _ in range(2):
        events(shared, tmp_path, "v1,e1,7,2026-01-10,13,street,2,2026-01-20,2026-01-20 10:00:00,\n")
    assert stands(shared) == [ReferralState.NOT_TAKEN_UP]
    with shared.store.read() as tx:
        assert tx.quarantine.open_items() == []


def test_a_refusal_whose_reason_changed_is_corrected_and_one_that_became_an_acceptance_waits_for_a_person(
    shared: DeskUnit, tmp_path: Path
) -> None:
    events(shared, tmp_path, "v1,e1,7,2026-01-10,13,street,2,2026-01-15,2026-01-15 10:00:00,\n")
    events(shared, tmp_path, "v1,e1,7,2026-01-10,13,street,3,2026-01-15,2026-01-16 10:00:00,\n")
    ((_, content),) = corrections(shared)
    assert content.facts == {"reason": "other"}
    assert stands(shared) == [ReferralState.DECLINED]
    events(shared, tmp_path, "v1,e1,7,2026-01-10,13,street,1,2026-01-17,2026-01-17 10:00:00,\n")
    assert stands(shared) == [ReferralState.DECLINED]
    with shared.store.read() as tx:
        (item,) = tx.quarantine.open_items()
    assert item.refused.code == "referral-move-not-allowed"
    assert refused(shared) == []


def test_a_referral_deleted_after_it_left_is_void_with_its_result(shared: DeskUnit, tmp_path: Path) -> None:
    row = "v1,e1,7,2026-01-10,13,street,1,2026-01-15,2026-01-15 10:00:00,\n"
    events(shared, tmp_path, row)
    events(shared, tmp_path, row.replace("10:00:00,", "10:00:00,2026-01-18"))
    assert stands(shared) == [ReferralState.VOID]


def test_a_referral_about_something_else_waits_for_a_person(shared: DeskUnit, tmp_path: Path) -> None:
    events(shared, tmp_path, "v1,e1,7,2026-01-10,13,street,,,2026-01-10 10:00:00,\n")
    assert events(shared, tmp_path, "v1,e1,7,2026-01-10,16,street,,,2026-01-11 10:00:00,\n").states["refused"] == 1
    assert not corrections(shared)


def test_what_cannot_be_understood_waits_as_an_open_item_with_its_reason(unit: DeskUnit, tmp_path: Path) -> None:
    folder = write_hmis(tmp_path, Enrollment=ENROLLED, Exit="x1,e1,7,2026-02-31,410,,\n")
    assert [load(unit, folder).items, load(unit, folder).items] == [1, 1]
    with unit.store.read() as tx:
        items = [one for one in tx.quarantine.open_items() if one.refused.local_key == "hmis/Exit.csv/row 2/ExitDate"]
    assert [one.refused.code for one in items] == ["not-a-date"]


def test_the_secret_of_shared_ids_is_made_once_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    first = load_or_create(tmp_path)
    assert load_or_create(tmp_path) == first
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [FILE]
    (tmp_path / FILE).write_bytes(first[:-1])
    with pytest.raises(ReferenceSecretError):
        load_or_create(tmp_path)
