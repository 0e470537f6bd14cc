"""A folder imported at a unit's real desk: what a second import, a newer export, an older one and a deletion do."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from adapters.connectors.drafting import Drafting, ImportSettings
from adapters.connectors.drop_folder import DropFolder
from adapters.connectors.importing import Imported, keep_refusals, to_record
from adapters.connectors.mapping_file import load_mapping
from adapters.connectors.reference_secret import FILE, ReferenceSecretError, load_or_create
from adapters.connectors.scratch import Scratch
from adapters.connectors.unit_desk import StoredRows
from adapters.storage.journal import EntryKind
from contracts.envelope import open_clear, parse
from contracts.messages.entry import CorrectionContent, EntryCorrected
from deploy.hmis_sample import write_hmis_sample
from tests.simulation.desks import DeskUnit, Town
from tests.unit.connectors.folder import NOW, SECRET, write_hmis

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


def test_the_same_folder_again_makes_nothing_also_after_a_crash_in_the_middle(unit: DeskUnit, tmp_path: Path) -> None:
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
