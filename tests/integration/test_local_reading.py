"""A local system beside a running adapter: it reads by plain SQL what the unit may see now, and no more; its own database is read by itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

from adapters.process.overviews import FILE
from adapters.process.runtime import run_units
from adapters.process.unit_databases import UnitDatabases
from adapters.process.unit_health import state_of
from adapters.process.unit_house import UnitHouse
from adapters.running import companions_of
from adapters.settings import load_settings, unit_folder
from tests.integration.kafka_rig import until
from tests.integration.scripted_hub import ScriptedHub
from tests.integration.test_adapter_run import UP, Place, consent_of, place, referral_of
from tests.local_database import MAPPING, vendor_on_sqlite
from tests.simulated_hub import SUBJECT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from contracts.names import UnitId
    from deploy.servers.embedded_broker import EmbeddedBroker

__all__ = ["place"]  # the fixture


@asynccontextmanager
async def running(place: Place, unit: UnitId) -> AsyncIterator[None]:
    """As `spojka-adapter run`."""
    stop = asyncio.Event()
    house = UnitHouse.open(place.settings, unit)
    task = asyncio.create_task(run_units(place.settings, [house], stop, companions=companions_of))
    try:
        yield
    finally:
        stop.set()
        await task
        house.close()


def ask(place: Place, query: str) -> list[tuple[Any, ...]]:
    """As a tool of the IT person does: read only, by the file's name and its key."""
    folder = unit_folder(place.home, UP)
    if not (folder / FILE).exists():
        return []
    with closing(UnitDatabases.as_they_lie(folder, UP).look_into("overviews")) as connection:
        return list(connection.execute(query))


async def test_a_local_system_sees_what_was_shared_once_the_unit_is_up_to_date(
    place: Place, embedded_broker: EmbeddedBroker
) -> None:
    async with ScriptedHub(embedded_broker, place.signer) as hub, running(place, UP):
        await until(lambda: ask(place, "SELECT others_shown FROM spojka_state") == [(0,)])
        await hub.deliver(UP, consent_of(place.signer), referral_of(place.signer))
        await hub.head(UP)
        await until(lambda: ask(place, "SELECT others_shown FROM spojka_state") == [(1,)])
        referrals = "SELECT subject, source, client FROM spojka_referrals"
        await until(lambda: ask(place, referrals) == [(SUBJECT, "op", None)])
        with place.house(UP) as house:
            house.desk.adopt(SUBJECT, "2026/17")  # type: ignore[arg-type] # a case number as typed
        await until(lambda: ask(place, referrals) == [(SUBJECT, "op", "2026/17")])


async def test_a_running_adapter_reads_the_vendors_database_by_itself(
    place: Place, embedded_broker: EmbeddedBroker
) -> None:
    vendor = vendor_on_sqlite(place.home / "vendor.db")
    vendor.put(1, 2)
    (place.home / "vendor.yaml").write_text(MAPPING)
    with (place.home / "adapter.toml").open("a") as settings:
        settings.write(
            f'\n[[polls]]\nunit = "up"\nmapping = "vendor.yaml"\ndatabase = "{vendor.reader}"\nevery_minutes = 0.001\n'
        )
    place.settings = load_settings(place.home)
    async with ScriptedHub(embedded_broker, place.signer), running(place, UP):
        await until(lambda: _services(place) == 1)
        vendor.put(2, 3)
        await until(lambda: _services(place) == 2)
        with place.house(UP) as house:
            (poll,) = state_of(house).polls
        assert (poll.name, poll.problem) == ("up/vendor.yaml", None)


def _services(place: Place) -> int:
    with place.house(UP) as house, house.store.read() as tx:
        return sum("service.delivered" in one.type for one in tx.journal.since(0, limit=100))
