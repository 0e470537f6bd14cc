"""What the running adapter is told of writes to a unit's database."""

import asyncio
from pathlib import Path

from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey
from adapters.process.store_watch import Newest, watch
from adapters.storage.unit_store import UnitStore
from contracts.categories import Category
from contracts.names import UnitId
from projections.encrypted_file import connect
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub
from tests.simulation.programme import StoryClock


async def test_what_somebody_records_is_told_apart_from_what_only_keeps_a_place(tmp_path: Path) -> None:
    hub = SimulatedHub()
    directory = hub.directory
    signer = Signer(PROGRAMME, hub.unit_keys[UnitId("op")])
    store = UnitStore.open(tmp_path / "unit.db")
    desk = Desk(store, signer=signer, directory=lambda: directory, clock=StoryClock(NOON))
    told: asyncio.Queue[Newest] = asyncio.Queue()
    stop = asyncio.Event()
    watching = asyncio.create_task(
        watch(connect(tmp_path / "unit.db", None, read_only=True), told.put_nowait, stop, every=0.001)
    )
    await asyncio.sleep(0)

    async def noticed(write: object) -> Newest:
        assert callable(write)
        await asyncio.to_thread(write)
        return await asyncio.wait_for(told.get(), timeout=30)

    def keep_a_place() -> None:
        with store.write() as tx:
            tx.clients.ensure([ClientKey("c-2")], at=NOON)

    recorded = await noticed(lambda: desk.assess_need(ClientKey("c-1"), Category.HOUSING, finding="x"))
    kept = await noticed(keep_a_place)
    again = await noticed(lambda: desk.assess_need(ClientKey("c-1"), Category.HOUSING, finding="y"))
    stop.set()
    await watching
    store.close()
    assert (recorded.revision, recorded.order) > (0, 0)
    assert kept == recorded
    assert again.revision > kept.revision
