"""One database session that threads take turns to use.

Invariants: who holds the session holds it alone, so a transaction never carries somebody else's statement; a session that broke is opened again by
the next use (`WriterSession` is stricter, since its lock went with it).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock, local

from hub.infrastructure.postgres.busy_connection import BusyConnection, Meanwhile
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.store_errors import translated


class Session:
    """A connection to a shard, opened when first used."""

    def __init__(self, database: ShardDatabase, *, name: str = "reader") -> None:
        self.database = database
        self._name = name
        self._turn = RLock()
        self._of_thread = local()
        self._opened: BusyConnection | None = None

    @contextmanager
    def use(self) -> Iterator[BusyConnection]:
        """The connection, alone; each statement commits by itself. Raises `StoreUnavailableError`, `StoreConflictError`."""
        with self._turn, translated():
            connection = self._connection()
            connection.meanwhile = getattr(self._of_thread, "work", None)
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[BusyConnection]:
        """The same within one transaction, rolled back by any exception."""
        with self.use() as connection, connection.transaction():
            yield connection

    @contextmanager
    def meanwhile(self, work: Meanwhile) -> Iterator[None]:
        """Let this thread do `work` whenever it waits for the server. Between its statements others may use the session, the heart above all."""
        self._of_thread.work = work
        try:
            yield
        finally:
            self._of_thread.work = None

    @property
    def connected(self) -> bool:
        """Whether a connection is open, as far as this side knows."""
        opened = self._opened
        return opened is not None and not opened.closed

    def close(self) -> None:
        """End the session; it can be used again."""
        with self._turn:
            if self._opened is not None:
                self._opened.close()
            self._opened = None

    def _connection(self) -> BusyConnection:
        if self._opened is None or self._opened.closed:
            self._opened = self._open()
        return self._opened

    def _open(self) -> BusyConnection:
        return self.database.connect(name=self._name)
