"""The story's clock: an instant in a file that every process of the story reads.

Invariants: it only goes forward; a reader sees the old instant or the new one, never half of one.
"""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from deploy.story.places import TIME_ZONE

ZONE: Final = ZoneInfo(TIME_ZONE)
A_DAY: Final = timedelta(days=1)
FARTHEST: Final = timedelta(days=6)
"""Shorter than the lease on others' entries, so that no step blanks a timeline."""


def morning(day: date, hour: int = 9) -> datetime:
    """An hour of a day, civil time."""
    return datetime.combine(day, time(hour), tzinfo=ZONE)


class StoryClock:
    """The clock's one writer."""

    def __init__(self, path: Path, start: datetime) -> None:
        self.path = path
        self._at = start
        self._write()

    def now(self) -> datetime:
        """The story's instant."""
        return self._at

    def move_to(self, at: datetime) -> None:
        """Go forward; an earlier instant changes nothing."""
        if at > self._at:
            self._at = at
            self._write()

    def _write(self) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(self._at.isoformat(), encoding="ascii")
        fresh.replace(self.path)


def next_stop(now: datetime, target: datetime, due: datetime | None) -> datetime:
    """Where to stop next on the way: a day on while anything is due within reach, else as far as the lease allows."""
    reach = min(target, now + FARTHEST)
    return reach if due is None or due > reach else min(target, now + A_DAY)
