"""The import of a sheet that is killed, or whose disk is full: whole transactions or nothing, and the same file again completes it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import event, text

from adapters.desk.recording_desk import CHUNK
from adapters.storage.unit_store import StoreError, UnitStore
from tests.faults import killed_sheet
from tests.faults.killed_sheet import import_sheet, write_sheet

ROWS = 6 * CHUNK
IMPORT = "import sys; from tests.faults.killed_sheet import import_sheet; import_sheet(sys.argv[1], sys.argv[2])"


def counts(store: UnitStore) -> tuple[int, int, int]:
    """Rows, entries, and how many entries have a row of their own."""
    with store.read() as tx:
        queries = ("import_row", "journal", "journal WHERE message_id IN (SELECT message_id FROM import_row)")
        one, two, three = (tx.connection.execute(text(f"SELECT count(*) FROM {what}")).scalar_one() for what in queries)  # noqa: S608 - our own words
    return one, two, three


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_a_killed_import_of_a_sheet_loses_nothing_and_doubles_nothing(tmp_path: Path, name: str) -> None:
    where, sheet = tmp_path / "unit.db", write_sheet(tmp_path / name, ROWS)
    store = UnitStore.open(where)
    killed = subprocess.Popen([sys.executable, "-c", IMPORT, str(where), str(sheet)])
    deadline = time.monotonic() + 120
    while counts(store)[0] < CHUNK and time.monotonic() < deadline:
        assert killed.poll() is None, "the import ended before it was killed"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    found = counts(store)[0]
    assert 0 < found < ROWS
    assert found % CHUNK == 0
    assert import_sheet(str(where), str(sheet)) == ROWS - found
    assert import_sheet(str(where), str(sheet)) == 0
    assert counts(store) == (ROWS, ROWS, ROWS)
    store.close()


def test_a_full_disk_is_told_and_the_same_sheet_again_completes_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, sheet = tmp_path / "unit.db", write_sheet(tmp_path / "a.csv", ROWS)

    def small(path: Path) -> UnitStore:
        store = UnitStore.open(path)
        store.close()  # the next connections are those that the limit holds for
        event.listen(store._engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 2000"))
        return store

    with monkeypatch.context() as patch:
        patch.setattr(killed_sheet, "open_store", small)
        with pytest.raises(StoreError, match="full"):
            import_sheet(str(where), str(sheet))
    store = UnitStore.open(where)
    found = counts(store)[0]
    assert 0 < found < ROWS
    assert import_sheet(str(where), str(sheet)) == ROWS - found
    assert counts(store) == (ROWS, ROWS, ROWS)
    store.close()
