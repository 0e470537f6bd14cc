"""The shard's store as its writer sees it, on PostgreSQL.

Invariants: as `hub.application.ports.WriterStore` says. Every read and write goes over the session that holds the lock; a writer that lost it is
fenced in every call until it acquired the lock and took over again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import psycopg

from contracts.names import MessageId, RecordKey, Source
from hub.application.ports import Commit, Head, Indexed, LogEntry, Parked, ParkedWish, Timer
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.log_recorder import LogRecorder
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.writer_keys import WriterKeys
from hub.infrastructure.postgres.writer_rows import parked_of, write_beside
from hub.infrastructure.postgres.writer_session import WriterSession
from projections.kafka.positions import InputPosition

_SQL = queries("writer")


class PostgresWriterStore:
    """`WriterStore` over a `WriterSession` of role WRITER."""

    def __init__(self, session: WriterSession, mapper: EventMapper | None = None) -> None:
        self.session = session
        self._mapper = mapper or EventMapper()
        self._recorder = LogRecorder(session)
        self._keys = None if self._mapper.keys is None else WriterKeys(self._mapper.keys, session)
        self._log = LogReading(session, self._mapper)

    def take_over(self) -> Head:
        """Raise the epoch, over the lock that `session.stand_by` got or that is free now. Raises `FencedError` when another holds it."""
        self.session.try_acquire()
        if self._keys is not None:
            self._keys.forget()
        return self._recorder.take_over()

    def head(self) -> Head:
        """The head row as committed now. Raises `FencedError` when the session that held the lock is gone."""
        return self._recorder.head()

    def beat(self) -> None:
        """Show that this writer lives; raises `FencedError` when the lock or the session is gone."""
        self.session.beat()

    def commit(self, commit: Commit, *, head: Head) -> Head:
        """Write everything or nothing. Raises `FencedError`, `StoreConflictError`, `StoreUnavailableError`."""
        plan = None if self._keys is None else self._keys.plan(commit)

        def beside(connection: psycopg.Connection) -> None:
            if self._keys is not None and plan is not None:
                self._keys.write(connection, plan)
            write_beside(connection, commit)

        events = commit.events
        stored = map(self._mapper.to_stored_event, events) if plan is None else self._mapper.sealed(events, plan.under)
        after = self._recorder.append(stored, count=len(events), at=commit.at, head=head, beside=beside)
        if self._keys is not None and plan is not None:
            self._keys.keep(plan)
        return after

    def load(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys in log order; absent keys are left out. One round trip."""
        return self._log.load(keys)

    def find(self, ids: Sequence[tuple[Source, MessageId]]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of these messages came before. One round trip."""
        return self._log.find(ids)

    def at(self, positions: Sequence[int]) -> Sequence[LogEntry]:
        """The events at these positions."""
        return self._log.at(positions)

    def input_positions(self) -> Sequence[InputPosition]:
        """How far each partition was read."""
        return self._log.input_positions()

    def due_timers(self, now: datetime, *, limit: int) -> Sequence[Timer]:
        """Timers due at or before `now`, the oldest first."""
        with self.session.use() as connection:
            return [Timer(*row) for row in connection.execute(_SQL["due_timers"], {"now": now, "limit": limit})]

    def waiting(self) -> Mapping[tuple[Source, MessageId], RecordKey]:
        """What is parked, and under which record key."""
        with self.session.use() as connection:
            rows = connection.execute(_SQL["waiting"]).fetchall()
        return {(Source(source), MessageId(message_id)): RecordKey(key) for source, message_id, key in rows}

    def wishes(self) -> Sequence[ParkedWish]:
        """What the operator asks about parked messages, the oldest first."""
        with self.session.use() as connection:
            return [ParkedWish(*row) for row in connection.execute(_SQL["wishes"])]

    def parked(self, key: RecordKey) -> Sequence[Parked]:
        """The parked messages of a key in the order in which they came."""
        with self.session.use() as connection:
            return [parked_of(row) for row in connection.execute(_SQL["parked"], {"key": key}, binary=True)]
