"""The import of a sheet that `test_killed_sheet` kills: rows of clients without a consent, from a file as a person saves it."""

import csv
from datetime import UTC
from pathlib import Path

from openpyxl import Workbook

from adapters.connectors.drafting import Drafting, ImportSettings
from adapters.connectors.drop_folder import DropFolder
from adapters.connectors.importing import to_record
from adapters.connectors.mapping_file import load_mapping
from adapters.connectors.scratch import Scratch
from adapters.connectors.unit_desk import StoredRows
from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.storage.unit_store import UnitStore
from contracts.names import UnitId
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub
from tests.simulation.programme import StoryClock

COLUMNS = ["Číslo případu", "Datum", "Služba", "Hodin"]


def write_sheet(path: Path, rows: int) -> Path:
    """Services, 28 of each client."""
    kept = [[f"k-{number // 28}", f"{1 + number % 28}. 1. 2026", "kurz", number] for number in range(rows)]
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows([COLUMNS, *kept])
        return path
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [COLUMNS, *kept]:
        sheet.append(row)
    book.save(path)
    return path


def open_store(where: Path) -> UnitStore:
    """The unit's database."""
    return UnitStore.open(where)


def import_sheet(where: str, sheet: str) -> int:
    """Record all rows; what was recorded before is found again. Returns how many were new."""
    hub, mapping = SimulatedHub(), load_mapping("example")
    store = open_store(Path(where))
    signer = Signer(PROGRAMME, hub.unit_keys[UnitId("op")])
    desk = Desk(store, signer=signer, directory=lambda: hub.directory, clock=StoryClock(NOON))
    with Scratch() as scratch:
        settings = ImportSettings(UTC, NOON, b"s" * 32)
        made = Drafting(mapping, DropFolder(Path(sheet), mapping), scratch, settings).made()
        new = sum(not one.repeated for one in desk.record_many(to_record(made, StoredRows(store))))
    store.close()
    return new
