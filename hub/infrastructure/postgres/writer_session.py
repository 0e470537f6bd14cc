"""The one session of a shard's writer (or relay): it holds the advisory lock, so whoever lost the session lost the right to write.

Invariants: nobody ever waits for the lock inside the server; a session that broke is not replaced behind the holder's back, every use raises
`FencedError` until `try_acquire` got the lock again; a standby ends the holder's session only after it saw the same beat of the same session for
`stale_after` by its own clock, so clocks need not agree and a holder that has just come is safe.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from threading import Event
from time import monotonic
from typing import Any

from hub.application.ports import FencedError, StoreUnavailableError
from hub.infrastructure.postgres.busy_connection import BusyConnection
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.store_errors import translated

_SQL = queries("session")


class Role(Enum):
    """Who may be there once per shard; the value is the lock's first key, the shard its second."""

    WRITER = 0x53500001
    RELAY = 0x53500002


class WriterSession(Session):
    """Lock and statements of one role of one shard."""

    def __init__(self, database: ShardDatabase, role: Role) -> None:
        super().__init__(database, name=role.name.lower())
        self._lock = {"kind": role.value, "shard": database.shard}
        self._role = role
        self._held = False
        self._seen: tuple[Any, ...] | None = None
        self._seen_since = 0.0

    @property
    def held(self) -> bool:
        """Whether the lock is held, as far as this side knows."""
        return self._held and self._opened is not None and not self._opened.closed

    def try_acquire(self) -> bool:
        """Try the lock once; when another session holds it and no longer beats, end that session. Raises `StoreUnavailableError`."""
        with self._turn, translated():
            if self.held:
                return True
            self._held = False
            connection = super()._connection()
            row = connection.execute(_SQL["try_lock"], self._lock).fetchone()
            self._held = bool(row and row[0])
            if not self._held:
                self._end_stale_holder(connection)
            return self._held

    def stand_by(self, stop: Event) -> bool:
        """Wait until this session holds the lock (True) or `stop` is set (False). Raises `StoreUnavailableError`."""
        while not stop.is_set():
            if self.try_acquire():
                return True
            stop.wait(self.database.settings.poll_every)
        return False

    def beat(self) -> None:
        """Show that the holder lives. While a commit is under way it does that itself. Raises `FencedError`, `StoreUnavailableError`."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            with self.use() as connection:
                connection.execute(_SQL[f"beat_{self._role.name.lower()}"])
        finally:
            self._turn.release()

    @contextmanager
    def use(self) -> Iterator[BusyConnection]:
        """The connection that holds the lock, alone. Raises `FencedError` when it broke: whether its last commit went through shows the head after
        the next take-over, and not before, since the server may still be at it.
        """
        with self._turn:
            try:
                with super().use() as connection:
                    yield connection
            except StoreUnavailableError as error:
                if self.held:
                    raise
                raise self._lost() from error

    def close(self) -> None:
        """End the session, and with it the lock."""
        with self._turn:
            self._held = False
            super().close()

    def _connection(self) -> BusyConnection:
        if not self.held:
            raise self._lost()
        return super()._connection()

    def _open(self) -> BusyConnection:
        return self.database.connect(name=self._name, ends_when_idle=True)

    def _lost(self) -> FencedError:
        advice = "Stop writing, empty the caches and stand by for the lock."
        return FencedError(
            f"This {self._role.name.lower()} does not hold the lock of shard {self.database.shard}.", advice=advice
        )

    def _end_stale_holder(self, connection: BusyConnection) -> None:
        values = {**self._lock, "writer": self._role is Role.WRITER}
        seen = connection.execute(_SQL["holder"], values).fetchone()
        if seen != self._seen:
            self._seen, self._seen_since = seen, monotonic()
        elif seen is not None and monotonic() - self._seen_since >= self.database.settings.stale_after:
            connection.execute(_SQL["end_holder"], {**self._lock, "pid": seen[0]})
