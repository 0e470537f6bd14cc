"""Where a process's time comes from: the machine, or a story's clock in a file.

Invariant: every instant has an offset and is in UTC; nothing else asks the operating system for the time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


class ClockError(Exception):
    """The story clock has no time: write an ISO 8601 instant with offset into its file."""


class Clock(Protocol):
    """A source of instants."""

    def now(self) -> datetime:
        """The current instant, with offset."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FileClock:
    """A story's clock: the instant that stands in a file (ISO 8601 with offset), read at each call."""

    path: Path

    def now(self) -> datetime:
        """The instant in the file. Raises `ClockError`."""
        try:
            instant = datetime.fromisoformat(self.path.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            raise ClockError(f"no story time in {self.path}: write an ISO 8601 instant with offset into it") from error
        if instant.tzinfo is None:
            raise ClockError(f"the story time in {self.path} has no offset: write it as 2026-02-02T09:00+01:00")
        return instant.astimezone(UTC)


def clock_of(setting: str) -> Clock:
    """The clock that a setting names: `system`, or `file:PATH` for a story."""
    if setting.startswith("file:"):
        return FileClock(Path(setting.removeprefix("file:")))
    if setting != "system":
        raise ClockError(f"no clock {setting!r}: write `system`, or `file:PATH` in a programme on trial")
    return SystemClock()
