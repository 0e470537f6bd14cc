"""Where the adapter's time comes from.

Invariant: every instant has an offset; nothing else in the adapter asks the operating system for the time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from adapters.errors import AdapterError


class Clock(Protocol):
    """A source of instants."""

    def now(self) -> datetime:
        """The current instant, with offset."""


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """The current instant in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FileClock:
    """A story's clock: the instant that stands in a file (ISO 8601 with offset), read at each call."""

    path: Path

    def now(self) -> datetime:
        """The instant in the file. Raises `AdapterError` where there is none."""
        try:
            instant = datetime.fromisoformat(self.path.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            raise AdapterError(
                f"No story time in {self.path}", advice="Write an ISO 8601 instant with offset into it."
            ) from error
        if instant.tzinfo is None:
            raise AdapterError(
                f"The story time in {self.path} has no offset", advice="Write it as 2026-02-02T09:00+01:00."
            )
        return instant.astimezone(UTC)
