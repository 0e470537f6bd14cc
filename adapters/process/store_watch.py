"""Notice within some 5 ms that somebody (a command, a console, a part of this process) wrote to a unit's database, and whether an entry was written.

Invariant: every commit of another connection is noticed once it is durable; `PRAGMA data_version` costs microseconds and takes no lock
(SQLite documentation, PRAGMA data_version).
"""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LOOK_EVERY: Final = 0.005
"""Seconds."""
_NEWEST: Final = (
    'SELECT coalesce((SELECT max(revision) FROM journal), 0), coalesce((SELECT max("order") FROM outbox), 0)'
)


@dataclass(frozen=True, slots=True)
class Newest:
    """The last entry written or changed, and the last message queued: what left both as they were recorded nothing."""

    revision: int = 0
    order: int = 0

    def joined(self, other: "Newest") -> "Newest":
        """The newest of both."""
        return Newest(max(self.revision, other.revision), max(self.order, other.order))


async def watch(
    connection: sqlite3.Connection,
    changed: Callable[[Newest], None],
    stop: asyncio.Event,
    *,
    every: float = LOOK_EVERY,
) -> None:
    """Call `changed` after each change, until `stop` is set; then the connection, which is for this alone, is closed."""
    try:
        seen = _version(connection)
        while not stop.is_set():
            await asyncio.sleep(every)
            found = _version(connection)
            if found != seen:
                seen = found
                changed(Newest(*connection.execute(_NEWEST).fetchone()))
    finally:
        connection.close()


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
