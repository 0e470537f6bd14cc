"""Notice within some 5 ms that another process (the command line, a console) wrote to a unit's database.

Invariant: every commit of another connection is noticed once it is durable; `PRAGMA data_version` costs microseconds and takes no lock
(SQLite documentation, PRAGMA data_version).
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

LOOK_EVERY: Final = 0.005
"""Seconds."""


async def watch(database: Path, changed: Callable[[], None], stop: asyncio.Event, *, every: float = LOOK_EVERY) -> None:
    """Call `changed` after each change, until `stop` is set."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)
    try:
        seen = _version(connection)
        while not stop.is_set():
            await asyncio.sleep(every)
            found = _version(connection)
            if found != seen:
                seen = found
                changed()
    finally:
        connection.close()


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
