"""Waking up when the log grows: LISTEN on a session of its own, so that followers see a commit within milliseconds and never poll hot.

Invariants: a wake-up is a hint; who missed it (a broken line, a start in between) still sees everything at the next time-out, since it reads the log
by position.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING

from eventsourcing.persistence import ListenNotifySubscription
from psycopg import sql

from hub.application.ports import StoreUnavailableError
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase

if TYPE_CHECKING:
    import psycopg

    from hub.infrastructure.postgres.log_recorder import LogRecorder

_STOP_CHECK_SECONDS = 0.1


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


class LogSubscription(ListenNotifySubscription["LogRecorder"]):
    """The library's subscription over `LogWakeup`. Use it as a context manager."""

    def __init__(
        self, recorder: LogRecorder, wakeup: LogWakeup, *, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._wakeup = wakeup
        self._listen_thread = Thread(target=self._listen, name="log-subscription")
        self._listen_thread.start()

    def __exit__(self, *args: object, **kwargs: object) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listen_thread.join()
            self._wakeup.close()

    def _listen(self) -> None:
        try:
            while not self._has_been_stopped and not self._thread_error:
                if self._wakeup.wait_for_events(_STOP_CHECK_SECONDS):
                    self._has_been_notified.set()
        except StoreUnavailableError as error:
            if self._thread_error is None:
                self._thread_error = error
            self.stop()
