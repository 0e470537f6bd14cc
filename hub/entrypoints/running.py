"""Running roles: all of them in one process, or each in a process of its own.

Invariant: a role that fails unexpectedly ends the process, so that a supervisor sees it; a role that only lost its lock
or its broker goes on by itself.
"""

import asyncio
import gc
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import structlog

from hub.entrypoints.house import House
from hub.entrypoints.relay_process import RelayProcess
from hub.entrypoints.writer_process import WriterProcess
from projections.process.health import Health, HealthEndpoint

_log = structlog.get_logger("spojka.hub")


class Role(StrEnum):
    """What a hub process does."""

    INTAKE = "intake"
    DISPATCH = "dispatch"


class _Process(Protocol):
    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop."""


async def run_roles(house: House, roles: Sequence[Role], stop: asyncio.Event) -> None:
    """Run these roles until `stop` is set or one of them fails."""
    writer, relay = WriterProcess(house), RelayProcess(house)
    processes: dict[Role, _Process] = {Role.INTAKE: writer, Role.DISPATCH: relay}

    def health() -> Health:
        checks = {"writing": writer.writing, "relaying": relay.relaying, "roles": ",".join(roles)}
        return Health("pass", checks)

    gc.freeze()  # what was loaded at start stays: the collector need not walk it again
    with HealthEndpoint(health, port=house.settings.port, host=house.settings.host) as endpoint:
        _log.info("hub.started", port=endpoint.port)
        running = [asyncio.create_task(processes[role].run(stop), name=role) for role in roles]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            stop.set()
            results = await asyncio.gather(*running, return_exceptions=True)
        _log.info("hub.stopped")
        for result in results:
            if isinstance(result, BaseException):
                raise result
