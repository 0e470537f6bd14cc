"""A role that must not run ahead of the ledger: looks now and then, says so once, and tells its metrics.

Invariant: whoever is held back does nothing that gives or decides; what it had taken in hand before stays as it is.
"""

import time
from typing import Final

import structlog

from hub.application.ledger_guard import Lag, LagLimits, LedgerGuard
from hub.entrypoints import metrics
from hub.infrastructure.postgres.ledger_mark import LedgerMark
from hub.infrastructure.postgres.session import Session

_LOOK_EVERY: Final = 0.5
_log = structlog.get_logger("spojka.hub")


class HeldBack:
    """Whether a role is held back; it is from `at_least` on."""

    def __init__(self, session: Session, limits: LagLimits, *, role: str, at_least: Lag) -> None:
        self._guard = LedgerGuard(LedgerMark(session), limits)
        self._role = role
        self._at_least = at_least
        self._looked_at = float("-inf")
        self.now = False

    @property
    def due(self) -> bool:
        """Whether the last look is half a second old."""
        return time.monotonic() - self._looked_at >= _LOOK_EVERY

    def look(self) -> bool:
        """Whether it is, as of half a second ago at most. Raises `StoreUnavailableError`."""
        if not self.due:
            return self.now
        self._looked_at = time.monotonic()
        before, self.now = self.now, self._guard.look() >= self._at_least
        metrics.LEDGER_LAG_SECONDS.labels(self._role).set(self._guard.seconds)
        metrics.LEDGER_HOLDS_BACK.labels(self._role).set(self.now)
        if self.now and not before:
            _log.error("ledger.behind", role=self._role, seconds=round(self._guard.seconds))
        elif before and not self.now:
            _log.info("ledger.caught-up", role=self._role)
        return self.now
