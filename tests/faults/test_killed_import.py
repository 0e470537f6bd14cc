"""An import that is killed leaves whole chunks or nothing, and goes on where it stopped."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from adapters.desk.recording_desk import CHUNK
from adapters.storage.unit_store import UnitStore
from contracts.envelope import parse

ROWS = 8 * CHUNK
IMPORT = """
import sys
from tests.faults.killed_import import import_rows
import_rows(sys.argv[1], int(sys.argv[2]))
"""


def start(where: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", IMPORT, str(where), str(ROWS)])


def rows_in(store: UnitStore) -> int:
    with store.read() as tx:
        count: int = tx.connection.execute(text("SELECT count(*) FROM import_row")).scalar_one()
    return count


@pytest.mark.parametrize("chunks", [1, 3])
def test_a_killed_import_loses_nothing_and_doubles_nothing(tmp_path: Path, chunks: int) -> None:
    where = tmp_path / "unit.db"
    store = UnitStore.open(where)
    killed = start(where)
    deadline = time.monotonic() + 60
    while rows_in(store) < chunks * CHUNK and time.monotonic() < deadline:
        assert killed.poll() is None, "the import ended before it was killed"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    found = rows_in(store)
    assert 0 < found < ROWS
    assert found % CHUNK == 0
    assert start(where).wait() == 0
    with store.read() as tx:
        messages = tx.connection.execute(text('SELECT payload, record_key FROM outbox ORDER BY "order"')).all()
        journal = tx.connection.execute(text("SELECT count(*) FROM journal")).scalar_one()
        entries = tx.connection.execute(text("SELECT count(*) FROM import_row")).scalar_one()
    store.close()
    numbers: dict[str, list[int]] = {}
    for payload, key in messages:
        numbers.setdefault(key, []).append(parse(payload).sequence)
    assert entries == ROWS
    assert journal == len(messages) == ROWS + len(numbers)
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
