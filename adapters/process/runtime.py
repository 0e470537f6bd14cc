"""The running adapter: all its units in one process, with health and metrics on a local port.

Invariants: stops in an orderly way on SIGTERM and SIGINT, at most a few seconds after; a unit that fails unexpectedly ends the process with its
error, after the others were stopped; nothing is lost either way, since everything that matters is in the units' databases.
"""

import asyncio
import gc
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import structlog

from adapters.process.companion import CompanionsOf, Service, ServicesOf, no_companions, no_services
from adapters.process.sole_runner import sole_runner
from adapters.process.unit_health import state_of
from adapters.process.unit_house import UnitHouse
from adapters.process.unit_process import UnitProcess
from adapters.settings import AdapterSettings, SettingsError
from projections.kafka.batch_producer import BatchProducer
from projections.process.ending import set_when_told
from projections.process.health import Health, HealthEndpoint, Status
from projections.process.logs import set_up_logs
from projections.process.memory import share_one_heap

_RANK: dict[Status, int] = {"pass": 0, "warn": 1, "fail": 2}

_TURN: Final = 0.0005
"""Seconds for which a thread that is back from disk or broker waits for one that computes: each message meets many, and Python's own 5 ms add up."""
_log = structlog.get_logger("spojka.adapter")


def run(
    settings: AdapterSettings, *, companions: CompanionsOf = no_companions, services: ServicesOf = no_services
) -> None:
    """Run until told to stop, each unit with its companions, all with the services. Raises what opening raises, before anything is started."""
    set_up_logs("adapter")
    share_one_heap()
    with ExitStack() as opened:
        opened.enter_context(sole_runner(settings.home))
        houses = open_units(settings, opened)
        asyncio.run(_main(settings, houses, companions, services))


def open_units(settings: AdapterSettings, opened: ExitStack) -> list[UnitHouse]:
    """All units of an adapter, closed with `opened`. Raises `SettingsError` where there is none, and what opening one raises."""
    if not settings.unit_names:
        raise SettingsError(f"There is no unit in {settings.home}", advice="Make one: spojka-adapter enrol UNIT …")
    houses = []
    for unit in settings.unit_names:
        house = UnitHouse.open(settings, unit)
        opened.callback(house.close)
        houses.append(house)
    return houses


async def _main(
    settings: AdapterSettings, houses: list[UnitHouse], companions: CompanionsOf, services: ServicesOf
) -> None:
    gc.freeze()  # what was loaded at start stays: the collector need not walk it again
    sys.setswitchinterval(_TURN)
    stop = asyncio.Event()
    set_when_told(stop)
    await run_units(settings, houses, stop, companions=companions, services=services(settings, houses))


async def run_units(
    settings: AdapterSettings,
    houses: list[UnitHouse],
    stop: asyncio.Event,
    *,
    companions: CompanionsOf = no_companions,
    services: Sequence[Service] = (),
) -> None:
    """Run these units until `stop` is set or one of them fails; raises the first failure."""
    settings.check_secrets()
    producer = BatchProducer(connection=settings.connection("publisher"))
    processes = [
        UnitProcess(house, connection=settings.connection(house.unit), producer=producer, companions=companions)
        for house in houses
    ]
    with HealthEndpoint(lambda: _health(houses, processes), port=settings.health_port) as endpoint:
        _log.info("adapter started", port=endpoint.port, count=len(houses))
        running = [asyncio.create_task(one.run(stop)) for one in (*processes, *services)]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            stop.set()
            results = await asyncio.gather(*running, return_exceptions=True)
            await producer.stop()
    _log.info("adapter stopped")
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _health(houses: list[UnitHouse], processes: list[UnitProcess]) -> Health:
    """The worst of all units; out of touch with the broker is a warning, since the unit goes on working."""
    units: dict[str, object] = {}
    worst: Status = "pass"
    for house, process in zip(houses, processes, strict=True):
        found = state_of(house).health()
        status: Status = "warn" if found.status == "pass" and not process.connected else found.status
        alarms = house.book.alarms
        units[house.unit] = {
            "status": status,
            **found.checks,
            "connected": process.connected,
            "lists_refused": alarms.refused,
            "own_entry_changed_in": alarms.own_entry_changed_in,
        }
        worst = max(worst, status, key=_RANK.__getitem__)
    return Health(worst, {"units": units})


def health_of(houses: Sequence[UnitHouse]) -> Health:
    """The worst of these units, by their databases alone."""
    found = {house.unit: state_of(house).health() for house in houses}
    worst: Status = max((one.status for one in found.values()), key=_RANK.__getitem__, default="pass")
    return Health(worst, {"units": {unit: {"status": one.status, **one.checks} for unit, one in found.items()}})
