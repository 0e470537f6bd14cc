"""A session that one process of a kind holds at a time, for followers whose work is outside of the database.

Invariant: the lock is the session's: it goes with the process, also after a kill, and a session that broke is not opened again behind the holder's
back.
"""

from hashlib import sha256

from hub.application.ports import FencedError
from hub.infrastructure.postgres.busy_connection import BusyConnection
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase

_SQL = queries("session")


class SoleSession(Session):
    """A session under an advisory lock of its name."""

    def __init__(self, database: ShardDatabase, *, name: str) -> None:
        super().__init__(database, name=name)
        self._lock = int.from_bytes(sha256(name.encode()).digest()[:3], "big")
        self._held = False

    def try_hold(self) -> bool:
        """Try the lock once. Raises `StoreUnavailableError`."""
        with self.use() as connection:
            row = connection.execute(_SQL["try_lock"], {"kind": self._lock, "shard": self.database.shard}).fetchone()
        self._held = bool(row and row[0])
        return self._held

    def _open(self) -> BusyConnection:
        if self._held:
            self._held = False
            raise FencedError("The session that held the lock is gone.", advice="Begin again from what is stored.")
        return super()._open()
