"""The log as a recorder of the event-sourcing library: one place where positions are given.

Invariants: every append first updates the head row, which orders appends, numbers them without gaps and refuses a writer whose epoch has passed, in
one statement; a notification's id is its position + 1; an append and everything written beside it commit together or not at all; the commit wakes
all that listen. Nothing here retries: after an error the caller reads the head again before it decides.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import Notification, ProcessRecorder, StoredEvent, Tracking

from hub.application.ports import FencedError, Head
from hub.infrastructure.postgres.copy_rows import log_rows
from hub.infrastructure.postgres.log_subscription import LogSubscription
from hub.infrastructure.postgres.log_wakeup import LogWakeup
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.store_errors import StoreConflictError

Beside = Callable[[psycopg.Connection], None]
"""Writes something in the transaction of an append."""

_SQL = queries("log")


class LogRecorder(ProcessRecorder):
    """The log of one shard over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._database = session.database

    def append(
        self,
        stored: Iterable[StoredEvent],
        *,
        count: int,
        at: datetime | None,
        head: Head | None,
        beside: Beside | None = None,
    ) -> Head:
        """Append the `count` events of `stored` from `head.position` on and return the head behind them; `at` None takes the database's clock.

        `stored` may be made while it is read, so that client and server work at the same time. With `head` None nothing is fenced: for the
        library's own use and tests. Raises `FencedError`, `StoreConflictError`, `StoreUnavailableError`.
        """
        with self._session.transaction() as connection:
            after = self._advance(connection, count, at=at, head=head)
            first = after.position - count
            large = count >= self._database.settings.copy_from
            if large:
                self._copy(connection, log_rows(stored, position=first, at=after.last_at), count=count)
            if beside is not None:
                beside(connection)
            with connection.pipeline():
                if count and not large:
                    self._insert(connection, list(stored), position=first, at=after.last_at)
                connection.execute(_SQL["notify"], {"channel": self._database.channel, "position": after.position})
        return after

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:  # noqa: ANN401 - the library's signature
        """Append without fencing, with `tracking` beside if given; returns notification ids."""
        tracking: Tracking | None = kwargs.get("tracking")

        def track(connection: psycopg.Connection) -> None:
            if tracking is not None:
                self._track(connection, tracking)

        after = self.append(stored_events, count=len(stored_events), at=kwargs.get("at"), head=None, beside=track)
        return list(range(after.position - len(stored_events) + 1, after.position + 1))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Events of one stream by version."""
        query = _SQL["select_events_desc" if desc else "select_events"]
        chosen = {"stream": originator_id, "gt": gt, "lte": lte, "limit": limit}
        with self._session.use() as connection:
            return [StoredEvent(*row) for row in connection.execute(query, chosen, binary=True)]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events in log order from notification `start` to `stop`, both included unless said otherwise."""
        first = 0 if start is None else start - (1 if inclusive_of_start else 0)
        last = None if stop is None else stop - 1
        chosen = {"first": first, "last": last, "topics": list(topics) or None, "limit": limit}
        with self._session.use() as connection:
            return [Notification(*row) for row in connection.execute(_SQL["select_notifications"], chosen, binary=True)]

    def max_notification_id(self) -> int | None:
        """The last notification, or None while the log is empty."""
        return self.head().position or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> LogSubscription:
        """Notifications behind `gt`, then new ones as they are committed, over a session of its own."""
        return LogSubscription(self, LogWakeup(self._database), gt=gt, topics=topics)

    def insert_tracking(self, tracking: Tracking) -> None:
        """Record how far a follower applied the log. Raises `StoreConflictError` when it was as far already."""
        with self._session.transaction() as connection:
            self._track(connection, tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """The last notification that a follower applied, or None."""
        with self._session.use() as connection:
            row = connection.execute(_SQL["tracked"], {"name": application_name}).fetchone()
        return row[0] if row else None

    def head(self) -> Head:
        """The head row as committed now."""
        with self._session.use() as connection:
            return self._head(connection.execute(_SQL["head"]))

    def take_over(self) -> Head:
        """Raise the epoch: from now on appends with an older head are fenced."""
        with self._session.use() as connection:
            return self._head(connection.execute(_SQL["take_over"]))

    def _head(self, cursor: psycopg.Cursor[Any]) -> Head:
        row = cursor.fetchone()
        if row is None:
            advice = "Another process has taken this shard over: empty the caches and stand by."
            raise FencedError("The head row no longer has this writer's epoch.", advice=advice)
        position, epoch, generation, last_at = row
        return Head(self._database.shard, position, epoch, generation, last_at)

    def _advance(self, connection: psycopg.Connection, count: int, *, at: datetime | None, head: Head | None) -> Head:
        values = {"count": count, "at": at, "epoch": head.epoch if head else None}
        after = self._head(connection.execute(_SQL["advance"], values))
        if head is not None and after.position - count != head.position:
            problem = f"The log stands at position {after.position - count}, not at {head.position}."
            raise FencedError(
                problem, advice="An earlier commit went through: empty the caches and read the head row again."
            )
        return after

    @staticmethod
    def _copy(connection: psycopg.Connection, rows: Iterable[bytes], *, count: int) -> None:
        with connection.cursor() as cursor:
            with cursor.copy(_SQL["copy_log"]) as copy:
                for part in rows:
                    copy.write(part)
            if cursor.rowcount != count:  # else the head row would stand behind a gap
                raise ValueError(f"{cursor.rowcount} events were given, not {count}")

    @staticmethod
    def _insert(connection: psycopg.Connection, stored: Sequence[StoredEvent], *, position: int, at: datetime) -> None:
        values = {
            "position": position,
            "at": at,
            "streams": [event.originator_id for event in stored],
            "versions": [event.originator_version for event in stored],
            "topics": [event.topic for event in stored],
            "states": [event.state for event in stored],
        }
        connection.execute(_SQL["insert_log"], values)

    @staticmethod
    def _track(connection: psycopg.Connection, tracking: Tracking) -> None:
        values = {"name": tracking.application_name, "to": tracking.notification_id}
        if connection.execute(_SQL["track"], values).fetchone() is None:
            advice = "Another process applies the same follower: stop one of them."
            raise StoreConflictError(f"{tracking.application_name} was as far already.", advice=advice)
