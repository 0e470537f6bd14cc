"""Running roles: all of them in one process, or each in a process of its own.

Invariant: a role that fails unexpectedly ends the process, so that a supervisor sees it; a role that only lost its lock
or its broker goes on by itself.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog

from hub.entrypoints.collecting import collect_seldom
from hub.entrypoints.condition import Conditioned, health_of
from hub.entrypoints.face_guard import guard_of
from hub.entrypoints.house import House
from hub.entrypoints.ledger_process import LedgerProcess
from hub.entrypoints.projections_process import ProjectionsProcess
from hub.entrypoints.relay_process import RelayProcess
from hub.entrypoints.roles import Role
from hub.entrypoints.writer_process import WriterProcess
from projections.process.health import Health, HealthEndpoint

_log = structlog.get_logger("spojka.hub")


class _Process(Conditioned, Protocol):
    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop."""


_MAKERS: Final[Mapping[Role, Callable[[House], _Process]]] = {
    Role.INTAKE: WriterProcess,
    Role.DISPATCH: RelayProcess,
    Role.PROJECTIONS: ProjectionsProcess,
    Role.LEDGER: LedgerProcess,
}


async def run_roles(house: House, roles: Sequence[Role], stop: asyncio.Event) -> None:
    """Run these roles until `stop` is set or one of them fails."""
    processes = {role: _MAKERS[role](house) for role in roles}

    def health() -> Health:
        return health_of(house.settings.shard, [(str(role), process) for role, process in processes.items()])

    collect_seldom()
    guard = guard_of(house.settings)
    with HealthEndpoint(health, port=house.settings.port, host=house.settings.host, guard=guard) as endpoint:
        _log.info("hub.started", port=endpoint.port)
        running = [asyncio.create_task(processes[role].run(stop), name=role) for role in processes]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            stop.set()
            results = await asyncio.gather(*running, return_exceptions=True)
        _log.info("hub.stopped")
        for result in results:
            if isinstance(result, BaseException):
                raise result
