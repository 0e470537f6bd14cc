"""Running the key service with its health endpoint until it is told to stop."""

import asyncio
import signal

import structlog

from hub.entrypoints.collecting import collect_seldom
from hub.entrypoints.condition import health_of
from hub.entrypoints.face_guard import guard_of
from hub.entrypoints.keys.house import KeysHouse
from hub.entrypoints.keys.key_process import KeyProcess
from projections.process.health import Health, HealthEndpoint

_log = structlog.get_logger("spojka.keys")


async def serve(house: KeysHouse) -> None:
    """Until SIGTERM or Ctrl-C. Raises `UntrustedLogError`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    process = KeyProcess(house)
    collect_seldom()

    def health() -> Health:
        return health_of(house.settings.shard, [("keys", process)])

    guard = guard_of(house.settings)
    with HealthEndpoint(health, port=house.settings.port, host=house.settings.host, guard=guard) as endpoint:
        _log.info("keys.started", port=endpoint.port)
        await process.run(stop)
        _log.info("keys.stopped")
