"""A process that must not go on over a database that was restored from a backup: looks before it begins, and remembers how far the log was.

Invariants: it looks each time before work begins and remembers at most once a second while it goes on; whoever is held says so once, with what to do.
A restore takes the database away from its processes, so each begins anew after one.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from hub.application.restoration import Gate, gate
from hub.infrastructure.log_mark import mark_of
from hub.infrastructure.postgres.restorations import Restorations
from hub.infrastructure.postgres.session import Session

_LOOK_EVERY: Final = 0.5
_REMEMBER_EVERY: Final = 1.0
_ADVICE: Final = {
    Gate.RESTORED: "the database is older than what was done by it: `spojka-hub restore begin`, then `restore check`",
    Gate.BEGUN: "a restore is under way: `spojka-hub restore check`, then `restore resume`",
}
_log = structlog.get_logger("spojka.hub")


class RestoreGuard:
    """The guard of one role of one shard. `published` gives what a ledger's checkpoint within reach vouches for; it may raise `HubError`."""

    def __init__(
        self, session: Session, *, home: Path, role: str, published: Callable[[], int] = lambda: 0, intake: bool = False
    ) -> None:
        self._rows = Restorations(session)
        self._mark = mark_of(home, role=role, shard=session.database.shard)
        self._role = role
        self._published = published
        self._passes = {Gate.OPEN, Gate.BEGUN} if intake else {Gate.OPEN}
        self._remembered_at = float("-inf")
        self.holds = False

    def look(self) -> bool:
        """Whether it may go on. Raises `StoreUnavailableError`, `RestoredError`."""
        remembered = self._mark.read()
        found = gate(remembered, self._rows.standing(remembered), published=self._published())
        before, self.holds = self.holds, found not in self._passes
        if self.holds and not before:
            _log.error("restored.held", role=self._role, reason=_ADVICE[found])
        elif before and not self.holds:
            _log.info("restored.goes-on", role=self._role)
        return not self.holds

    @property
    def due(self) -> bool:
        """Whether it was remembered a second ago."""
        return time.monotonic() - self._remembered_at >= _REMEMBER_EVERY

    def remember(self) -> None:
        """Remember how far the log is; seldom. Raises `StoreUnavailableError`, `RestoredError`."""
        if not self.due:
            return
        self._remembered_at = time.monotonic()
        reached = self._rows.reached()
        if reached != self._mark.read():
            self._mark.write(reached)

    async def may_go_on(self, until: Callable[[], bool], stop: asyncio.Event) -> bool:
        """Wait until it may; False when `until` said before that there is nothing to wait for."""
        while not until():
            if await asyncio.to_thread(self.look):
                return True
            try:
                async with asyncio.timeout(_LOOK_EVERY):
                    await stop.wait()
            except TimeoutError:
                continue
        return False
