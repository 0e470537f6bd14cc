"""A database that crashes or is full refuses clearly, and what was under way is done once when it is back."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event

from adapters.desk.desk import Desk
from adapters.desk.recorded import RecordedState
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey, Draft
from adapters.storage.unit_store import StoreError, UnitStore
from contracts.categories import Category
from contracts.messages.need import NeedAssessed
from contracts.names import UnitId
from deploy.servers.postgres import PostgresServer
from tests.faults.district import District, until
from tests.faults.kinds import EMBEDDED
from tests.faults.load import under_load
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub
from tests.simulation.programme import StoryClock

pytestmark = pytest.mark.timeout(600)
on_embedded = pytest.mark.parametrize("district", [EMBEDDED], indirect=True)

FULL = """
CREATE FUNCTION shard_0.disk_is_full() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON shard_0.log EXECUTE FUNCTION shard_0.disk_is_full();
"""
FREED = "DROP TRIGGER full_disk ON shard_0.log; DROP FUNCTION shard_0.disk_is_full();"
SAID = "The database's disk is full."


@contextmanager
def full_disk(district: District) -> Iterator[None]:
    """PostgreSQL answers to every new event what it answers when no page is left."""
    with psycopg.connect(district.dsn, autocommit=True) as administrator:
        administrator.execute(FULL)
        try:
            yield
        finally:
            administrator.execute(FREED)


@on_embedded
async def test_a_hub_whose_disk_is_full_says_so_and_goes_on_when_there_is_room(district: District) -> None:
    said = district.said_in_log("intake", SAID)
    async with under_load(district) as load:
        await load.more(30, within=60)
        with full_disk(district):
            await until(lambda: district.said_in_log("intake", SAID) > said)
            ((before,),) = district.hub.log("SELECT position FROM head")
            assert not await load.more(1_000, within=3)
            assert district.hub.log("SELECT position FROM head") == [(before,)]
        assert await load.more(30, within=60)


@on_embedded
async def test_a_database_server_that_is_killed_under_load_keeps_what_was_answered(
    district: District, postgres_server: PostgresServer
) -> None:
    async with under_load(district) as load:
        await load.more(30, within=60)
        for _ in range(2):
            await asyncio.to_thread(postgres_server.kill)
            await asyncio.to_thread(postgres_server.start)
            assert await load.more(60, within=120)


def test_a_worker_at_a_full_disk_is_told_and_nothing_is_left_half(tmp_path: Path) -> None:
    hub = SimulatedHub()
    store = UnitStore.open(tmp_path / "unit.db")
    signer = Signer(PROGRAMME, hub.unit_keys[UnitId("op")])
    desk = Desk(store, signer=signer, directory=lambda: hub.directory, clock=StoryClock(NOON))
    client = ClientKey("c-1")

    pages = 1_000_000

    @event.listens_for(store._engine, "begin")
    def _limit(connection: object) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined] # SQLAlchemy's connection

    drafts = [Draft(client, NeedAssessed(dimension="skills"), NOON, category=Category.SKILLS) for _ in range(400)]
    assert len(list(desk.record_many(drafts[:100], bulk=False))) == 100
    pages = 1  # the pages there are already stay
    with pytest.raises(StoreError, match="full") as told:
        list(desk.record_many(drafts, bulk=False))
    assert "space" in told.value.advice
    with store.read() as tx:
        before = [entry.message_id for entry in tx.journal.since(0, limit=1_000)]
        assert len(before) == 100
        assert len(tx.held.all()) == len(before)
    pages = 1_000_000
    recorded = desk.assess_need(client, Category.SKILLS, finding="advice")
    assert recorded.state is RecordedState.HELD
    with store.read() as tx:
        assert [entry.message_id for entry in tx.journal.since(0, limit=1_000)] == [*before, recorded.message_id]
    store.close()
