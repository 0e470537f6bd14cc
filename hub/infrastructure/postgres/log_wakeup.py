"""Waking up when the log grows: LISTEN on a session of its own, so that followers see a commit within milliseconds and never poll hot.

Invariants: a wake-up is a hint; who missed it (a broken line, a start in between) still sees everything at the next time-out, since it reads the log
by position.
"""

import psycopg
from psycopg import sql

from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase


class LogWakeup(Session):
    """Listens to one shard's commits."""

    def __init__(self, database: ShardDatabase) -> None:
        super().__init__(database, name="listener")
        self._listening: psycopg.Connection | None = None

    def wait_for_events(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for a commit; True if there was one. The first call starts listening and returns True at once, since what
        came before is not known. Raises `StoreUnavailableError`.
        """
        with self.use() as connection:
            if connection is not self._listening:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self.database.channel)))
                self._listening = connection
                return True
            return bool(list(connection.notifies(timeout=timeout, stop_after=1)))
