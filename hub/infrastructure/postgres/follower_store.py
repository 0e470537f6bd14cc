"""The log for those who only follow it: hub-side projections, ledger, keys.

Invariants: a follower applies each event once, since its position moves in the transaction of its own writes and only from where it believes to be:
a second process of the same name gets `FencedError` instead of applying twice. The caller's transaction must be on the shard's own database.
"""

from collections.abc import Sequence

import psycopg
from psycopg import sql

from hub.application.ports import FencedError, Head, LogEntry
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.log_recorder import LogRecorder
from hub.infrastructure.postgres.log_wakeup import LogWakeup
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.store_errors import translated

_SQL = queries("log")


class FollowerStore:
    """Reads one shard's log as follower `name`; takes no lock."""

    def __init__(self, database: ShardDatabase, name: str, mapper: EventMapper | None = None) -> None:
        self._database = database
        self._name = name
        self._session = Session(database, name=name)
        self._log = LogReading(self._session, mapper or EventMapper())
        self._recorder = LogRecorder(self._session)
        self._wakeup = LogWakeup(database)

    def head(self) -> Head:
        """The log's head row as committed now."""
        return self._recorder.head()

    def read(self, position: int, *, limit: int) -> Sequence[LogEntry]:
        """Committed events from `position` on, in order."""
        return self._log.read(position, limit=limit)

    def wait_for_events(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for a commit; True if there may be one. Raises `StoreUnavailableError`."""
        return self._wakeup.wait_for_events(timeout)

    def position(self, connection: psycopg.Connection | None = None) -> int:
        """The next position to apply, 0 at first; seen through `connection` or this store's own session."""
        if connection is None:
            with self._session.use() as own:
                return self.position(own)
        with translated():
            row = connection.execute(self._query("follower_position"), {"name": self._name}).fetchone()
        return row[0] if row else 0

    def advance(self, connection: psycopg.Connection, *, position: int, to: int) -> None:
        """Move from `position` to `to` in the caller's open transaction, beside its own writes.

        With SQLAlchemy pass `connection.connection.driver_connection`. Raises `FencedError` when the follower is not at `position`.
        """
        values = {"name": self._name, "from": position, "to": to}
        with translated():
            moved = connection.execute(self._query("follow_to"), values).fetchone()
        if moved is None:
            advice = (
                "Another process applies the same follower: stop one of them, roll back and read the position again."
            )
            raise FencedError(f"Follower {self._name} is not at position {position}.", advice=advice)

    def close(self) -> None:
        """End both sessions."""
        self._session.close()
        self._wakeup.close()

    def _query(self, name: str) -> sql.Composed:
        return sql.SQL(_SQL[name].decode()).format(schema=sql.Identifier(self._database.schema))
