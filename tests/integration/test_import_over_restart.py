"""An import into a unit's PostgreSQL database that is restarted meanwhile."""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from adapters.connectors.drafting import Drafting, ImportSettings
from adapters.connectors.drop_folder import DropFolder
from adapters.connectors.importing import to_record
from adapters.connectors.mapping_file import load_mapping
from adapters.connectors.scratch import Scratch
from adapters.connectors.source_drafting import Made
from adapters.connectors.unit_desk import StoredRows
from adapters.desk.desk import Desk
from adapters.desk.recording_desk import CHUNK
from adapters.desk.signer import Signer
from adapters.drafts import Draft
from adapters.storage.unit_store import UnitStore
from contracts.names import UnitId
from tests.faults.killed_sheet import write_sheet
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub
from tests.simulation.programme import StoryClock

ROWS = 2 * CHUNK + 200
EXAMPLE = load_mapping("example")
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def cut_all(url: str) -> None:
    """Every connection ends, as at a restart of the server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(OTHERS)


def load(url: str, sheet: Path, *, cut_at: int | None = None, in_transaction: bool = False) -> None:
    hub = SimulatedHub()
    store = UnitStore.open(url)
    signer = Signer(PROGRAMME, hub.unit_keys[UnitId("op")])
    desk = Desk(store, signer=signer, directory=lambda: hub.directory, clock=StoryClock(NOON))

    def drafts(made: Iterator[Made]) -> Iterator[Draft]:
        for number, one in enumerate(to_record(made, StoredRows(store))):
            if number == cut_at:
                if in_transaction:
                    with store.write() as tx:
                        cut_all(url)
                        tx.connection.execute(text("SELECT 1"))
                cut_all(url)
            yield one

    try:
        with Scratch() as scratch:
            settings = ImportSettings(UTC, NOON, b"s" * 32)
            made = Drafting(EXAMPLE, DropFolder(sheet, EXAMPLE), scratch, settings).made()
            for _ in desk.record_many(drafts(made)):
                pass
    finally:
        store.close()


def rows_and_entries(url: str) -> tuple[int, int]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM import_row), (SELECT count(*) FROM journal)"
        ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def test_a_restart_between_two_transactions_is_not_even_noticed(quick_database: str, tmp_path: Path) -> None:
    load(quick_database, write_sheet(tmp_path / "a.csv", ROWS), cut_at=CHUNK + 200)
    assert rows_and_entries(quick_database) == (ROWS, ROWS)


def test_a_restart_within_a_transaction_ends_the_import_and_the_same_sheet_completes_it(
    quick_database: str, tmp_path: Path
) -> None:
    sheet = write_sheet(tmp_path / "a.csv", ROWS)
    with pytest.raises(DBAPIError):
        load(quick_database, sheet, cut_at=CHUNK + 200, in_transaction=True)
    assert rows_and_entries(quick_database) == (CHUNK, CHUNK)
    load(quick_database, sheet)
    assert rows_and_entries(quick_database) == (ROWS, ROWS)
