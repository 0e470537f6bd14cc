"""A poll that is killed, or whose database goes away under it, loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from tenacity import wait_fixed

from adapters.connectors.sql_polls import SqlPolls
from adapters.desk.recording_desk import CHUNK
from tests.faults.district import until
from tests.integration.test_sql_polling import vendor_on_postgres
from tests.local_database import ReadingUnit, Vendor, plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.process.unit_house import UnitHouse
    from deploy.servers.postgres import PostgresServer

ROWS = 6 * CHUNK
POLL = """
import sys
from pathlib import Path
from tests.faults.polled_database import poll_once
poll_once(Path(sys.argv[1]), sys.argv[2])
"""


@pytest.fixture
def unit(tmp_path: Path) -> ReadingUnit:
    (tmp_path / "home").mkdir()
    return ReadingUnit.make(tmp_path / "home")


@pytest.fixture
def vendor(database: str) -> Iterator[Vendor]:
    made = vendor_on_postgres(database)
    made.put_many(range(ROWS))
    yield made
    made.engine.dispose()


def start(unit: ReadingUnit, vendor: Vendor) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", POLL, str(unit.home), vendor.reader])


def counted(house: UnitHouse) -> Counter[str]:
    """How often each row was recorded: by its local key, and by the journal."""
    with house.store.read() as tx:
        rows = tx.connection.execute(text("SELECT count(*) FROM import_row")).scalar_one()
        entries = tx.connection.execute(
            text("SELECT count(*) FROM journal WHERE type LIKE '%service.delivered%'")
        ).scalar_one()
        corrections = tx.connection.execute(
            text("SELECT count(*) FROM journal WHERE type LIKE '%corrected%'")
        ).scalar_one()
    return Counter(rows=rows, entries=entries, corrections=corrections)


WHOLE = Counter(rows=ROWS, entries=ROWS)


async def kill_when(rows: int, polling: subprocess.Popen[bytes], house: UnitHouse) -> None:
    """Kill a poll once so many rows were recorded."""

    def far_enough() -> bool:
        assert polling.poll() is None, "the poll ended before it was killed"
        return counted(house)["rows"] >= rows

    try:
        await until(far_enough)
    finally:
        polling.kill()
        polling.wait()


async def test_a_killed_poll_is_done_again_and_makes_nothing_twice(unit: ReadingUnit, vendor: Vendor) -> None:
    for rows in (1, CHUNK + 1):
        with unit.house() as house:
            await kill_when(rows, start(unit, vendor), house)
            assert rows <= counted(house)["rows"] < ROWS
    assert start(unit, vendor).wait() == 0
    with unit.house() as house:
        assert counted(house) == WHOLE


async def test_a_database_that_is_restarted_is_polled_again_by_itself(
    unit: ReadingUnit, vendor: Vendor, postgres_server: PostgresServer
) -> None:
    with unit.house() as house:
        polls = SqlPolls(house, [(plan(vendor), timedelta(milliseconds=20))], pauses=wait_fixed(0.05))
        stop = asyncio.Event()
        running = asyncio.create_task(polls.run(stop))
        await until(lambda: counted(house)["rows"] > 0)
        await asyncio.to_thread(postgres_server.kill)
        await until(lambda: failures(house) > 1)
        await asyncio.to_thread(postgres_server.start)
        await until(lambda: counted(house) == WHOLE and failures(house) == 0)
        vendor.put(ROWS, 5, client="2026/1")
        await until(lambda: counted(house)["rows"] == ROWS + 1)
        stop.set()
        await running
        assert counted(house)["corrections"] == 0


def failures(house: UnitHouse) -> int:
    with house.store.read() as tx:
        return tx.polls.find("op/vendor.yaml").failures
