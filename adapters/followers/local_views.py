"""Keeps what the SQL views of local systems need beside the read models: the lease, and the unit's case numbers.

Invariants: noted again soon after anything in the unit's database changed, so after each sign of life; at most a twentieth of the time goes into it,
since a large unit has many case numbers; when nobody notes it any more the views hide by themselves (projections/local_views.py).
"""

import asyncio
import contextlib
import time
from typing import Final

import structlog

from adapters.process.showing import showing_now
from adapters.process.unit_house import UnitHouse

_log = structlog.get_logger("spojka.adapter")

_AT_LEAST: Final = 1.0
"""Seconds between two notes."""
_SHARE: Final = 20


def note_for_local_systems(house: UnitHouse) -> None:
    """Bring the views up to date once, as a command does."""
    overviews = house.overviews()
    try:
        overviews.keep_for_local_systems(showing_now(house), house.store)
    finally:
        overviews.close()


class LocalViewsKept:
    """Runs beside a unit."""

    def __init__(self, house: UnitHouse) -> None:
        self._house = house
        self._due = asyncio.Event()

    def wake(self) -> None:
        """Something was written to the unit's database."""
        self._due.set()

    def _note(self) -> None:
        """A trouble of the views is not the unit's: it is told, and the views hide by themselves until the next time."""
        try:
            note_for_local_systems(self._house)
        except Exception as error:  # noqa: BLE001 - see above
            _log.warning("local views not noted", unit=self._house.unit, error=type(error).__name__)

    async def run(self, stop: asyncio.Event) -> None:
        """Note it again whenever it may have changed, until `stop` is set."""
        while not stop.is_set():
            self._due.clear()
            began = time.monotonic()
            await asyncio.to_thread(self._note)
            pause = max(_AT_LEAST, _SHARE * (time.monotonic() - began))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=pause)
            if not stop.is_set():
                await self._due.wait()
