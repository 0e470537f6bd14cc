"""Whether the ledger keeps up with the log, so that nothing is given of which there will be no evidence (DESIGN section 10: fail closed).

Invariants: a shard without a ledger is not held back by it; a ledger that says more than its log holds is behind at once, since one of them was
restored; how long something waits is measured from when it was first seen to wait, by a clock that no story turns.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class Lag(IntEnum):
    """How far behind the ledger is."""

    NONE = 0
    BEHIND = 1
    """Dispatch and releases stop; intake goes on deciding, withdrawals too."""
    FAR_BEHIND = 2
    """Intake stops too."""


@dataclass(frozen=True, slots=True)
class LagLimits:
    """Seconds for which an event may wait for its place in the ledger."""

    dispatch: float
    intake: float


class LedgerPlaces(Protocol):
    """How far the ledger and its log are."""

    def ledger(self) -> int | None:
        """Events that the ledger holds; None where there never was one."""

    def log(self) -> int:
        """Events that the log holds."""


class LedgerGuard:
    """Looks now and then. Not thread-safe."""

    def __init__(
        self, places: LedgerPlaces, limits: LagLimits, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._places = places
        self._limits = limits
        self._monotonic = monotonic
        self._waiting: tuple[int, float] | None = None
        """A size that the ledger has not reached, and since when it was seen so."""
        self.lag = Lag.NONE
        self.seconds = 0.0

    def look(self) -> Lag:
        """How it is now. Raises what the places raise."""
        ledger = self._places.ledger()  # before the log, which may have grown by then
        log = self._places.log()
        now = self._monotonic()
        if ledger is not None and ledger > log:
            self.lag = max(Lag.BEHIND, self.lag)
            return self.lag
        if ledger is None or ledger >= log:
            self._waiting = None
        elif self._waiting is None or ledger >= self._waiting[0]:
            self._waiting = (log, now)
        self.seconds = 0.0 if self._waiting is None else now - self._waiting[1]
        over = (self.seconds > self._limits.dispatch, self.seconds > self._limits.intake)
        self.lag = Lag.FAR_BEHIND if over[1] else Lag.BEHIND if over[0] else Lag.NONE
        return self.lag
