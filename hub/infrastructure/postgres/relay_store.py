"""The shard's store as its relay (dispatch) sees it, on PostgreSQL.

Invariants: as `hub.application.ports.RelayStore` says; fenced by the relay's own lock and epoch. A slot stands in `unproduced` from its commit until
`mark_produced` names it, whatever happens between, in whatever order commits are marked. Marking clears only those receipts and wishes that this
relay has read: one that came meanwhile stays.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from contracts.categories import Category
from contracts.names import MessageId, RecordKey, Source, UnitId
from hub.application.ports import (
    BackfillRow,
    DeliveryRow,
    FeedState,
    FencedError,
    Head,
    Indexed,
    LogEntry,
    Pending,
    RelayCommit,
    RelayState,
    ReplayWish,
    Report,
)
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.log_recorder import LogRecorder
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.relay_rows import (
    backfill_of,
    clear_unproduced,
    delivery_of,
    report_of,
    write_backfills,
    write_slots,
    write_unreported,
)
from hub.infrastructure.postgres.store_errors import StoreConflictError
from hub.infrastructure.postgres.writer_rows import FOR_ALL
from hub.infrastructure.postgres.writer_session import WriterSession
from projections.kafka.positions import InputPosition

_SQL = queries("relay")


class PostgresRelayStore:
    """`RelayStore` over a `WriterSession` of role RELAY."""

    def __init__(self, session: WriterSession, mapper: EventMapper | None = None) -> None:
        self.session = session
        self._log = LogReading(session, mapper or EventMapper())
        self._recorder = LogRecorder(session)
        self._receipts_seen = 0
        self._wishes_seen = 0

    def take_over(self) -> RelayState:
        """Raise the relay's epoch, over the lock that `session.stand_by` got or that is free now. Raises `FencedError` when another holds it."""
        self.session.try_acquire()
        return RelayState(*self._rows("take_over", {})[0])

    def beat(self) -> None:
        """Show that this relay lives; raises `FencedError` when the lock or the session is gone."""
        self.session.beat()

    def head(self) -> Head:
        """The log's head row as committed now."""
        return self._recorder.head()

    def pending(self) -> Pending:
        """Whether there may be anything to do, as committed now. One round trip."""
        ((position, epoch, generation, last_at, *waiting),) = self._rows("pending", {})
        return Pending(Head(self.session.database.shard, position, epoch, generation, last_at), *waiting)

    def read(self, position: int, *, limit: int) -> Sequence[LogEntry]:
        """Committed events from `position` on, in order."""
        return self._log.read(position, limit=limit)

    def at(self, positions: Sequence[int]) -> Sequence[LogEntry]:
        """The events at these positions."""
        return self._log.at(positions)

    def load(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys in log order."""
        return self._log.load(keys)

    def input_positions(self) -> Sequence[InputPosition]:
        """How far the writer has read the inbox."""
        return self._log.input_positions()

    def find(self, ids: Sequence[tuple[Source, MessageId]]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of these messages came before. One round trip."""
        return self._log.find(ids)

    def published(self, source: Source, *, after: int, limit: int) -> Sequence[int]:
        """Positions beyond `after` of the accepted messages of a source, in order."""
        return self._log.published(source, after=after, limit=limit)

    def closings(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey | None, int]:
        """The position of the last closing of each key, and of the last for all (None)."""
        rows = self._rows("closings", {"keys": [*keys, FOR_ALL]})
        return {None if key == FOR_ALL else RecordKey(key): position for key, position in rows}

    def feeds(self) -> Mapping[UnitId, FeedState]:
        """Every feed of this shard and generation."""
        return {
            UnitId(unit): FeedState(UnitId(unit), sequence, link) for unit, sequence, link in self._rows("feeds", {})
        }

    def given(self, positions: Sequence[int]) -> frozenset[tuple[UnitId, int]]:
        """Which (unit, position) pairs have a slot already."""
        rows = self._rows("given", {"positions": list(positions)}) if positions else ()
        return frozenset((UnitId(unit), position) for unit, position in rows)

    def deliveries(self, unit: UnitId, *, from_sequence: int, limit: int) -> Sequence[DeliveryRow]:
        """The slots of a feed from a number on, for a replay."""
        return [
            delivery_of(r) for r in self._rows("deliveries", {"unit": unit, "sequence": from_sequence, "limit": limit})
        ]

    def unproduced(self) -> Sequence[DeliveryRow]:
        """Slots that were committed and not yet marked as produced, by unit and sequence."""
        return [delivery_of(row) for row in self._rows("unproduced", {})]

    def backfills(self) -> Sequence[BackfillRow]:
        """Ranges not yet expanded whole, the oldest first."""
        return [backfill_of(row) for row in self._rows("backfills", {})]

    def receipts_due(self) -> Sequence[int]:
        """Positions whose receipt is to be sent again, each once, the longest due first."""
        rows = self._rows("receipts_due", {})
        self._receipts_seen = max([self._receipts_seen, *(number for number, _ in rows)])
        return list(dict.fromkeys(position for _, position in rows))

    def replay_wishes(self) -> Sequence[ReplayWish]:
        """Replays asked for and not yet served, each once, the oldest first."""
        rows = self._rows("replay_wishes", {})
        self._wishes_seen = max([self._wishes_seen, *(number for number, *_ in rows)])
        return list(dict.fromkeys(ReplayWish(UnitId(unit), sequence, own) for _, unit, sequence, own in rows))

    def commit(self, commit: RelayCommit, *, epoch: int) -> None:
        """Write everything or nothing. Raises `FencedError`, `StoreConflictError`, `StoreUnavailableError`."""
        with self.session.transaction() as connection:
            generation = self._fence(connection, "advance", position=commit.position, epoch=epoch)
            if commit.deliveries:
                taken = write_slots(connection, commit.deliveries, generation=generation)
                if taken != len(commit.deliveries):
                    advice = "The relay's memory of its feeds is wrong: empty the caches and read the feeds again."
                    raise StoreConflictError("A slot of a feed holds another entry already.", advice=advice)
            write_unreported(connection, commit.to_report, generation=generation)
            write_backfills(connection, commit)

    def mark_produced(
        self, commit: RelayCommit, *, receipts: Sequence[int], replays: Sequence[ReplayWish], epoch: int
    ) -> None:
        """What was committed was acknowledged by the broker; these receipts and replays are served. A crash may forget it: then it goes again."""
        wishes = [
            {"unit": one.unit, "sequence": one.sequence, "own": one.own, "seen": self._wishes_seen} for one in replays
        ]
        with self.session.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(_SQL["may_be_forgotten"])
            generation = self._fence(connection, "mark_produced", position=commit.position, epoch=epoch)
            clear_unproduced(connection, commit.deliveries, generation=generation)
            if receipts:
                values = {"positions": list(receipts), "seen": self._receipts_seen}
                cursor.execute(_SQL["clear_receipts"], values)
            if wishes:
                cursor.executemany(_SQL["clear_replay"], wishes)

    def report(self, *, at: datetime, limit: int, epoch: int) -> Report | None:
        """The report under way, else one fixed now over at most `limit` slots, the oldest first; None where all is told."""
        with self.session.transaction() as connection:
            values = {"at": at, "limit": limit, "epoch": epoch}
            row = connection.execute(_SQL["fix_report"], values, binary=True).fetchone()
            if row is None:
                raise _overtaken(epoch)
            through, fixed_at = row
            if through is None:
                return None
            rows = connection.execute(_SQL["report"], {"through": through}, binary=True).fetchall()
        return report_of(rows, through=through, at=fixed_at)

    def reported(self, report: Report, *, epoch: int) -> None:
        """The log holds this report: forget what it told."""
        with self.session.transaction() as connection:
            self._fence(connection, "end_report", position=0, epoch=epoch)
            connection.execute(_SQL["clear_unreported"], {"through": report.through})

    def retention(self) -> Mapping[Category, int]:
        """Of each category the position up to which the log holds nothing that should be erased."""
        ((places,),) = self._rows("retention", {})
        return {Category(category): int(position) for category, position in places.items()}

    def retained(self, category: Category, position: int, *, epoch: int) -> None:
        """Move a category's place on."""
        with self.session.transaction() as connection:
            values = {"category": category.value, "position": position, "epoch": epoch}
            if connection.execute(_SQL["retained"], values).fetchone() is None:
                raise _overtaken(epoch)

    def _rows(self, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self.session.use() as connection:
            return connection.execute(_SQL[query], values, binary=True).fetchall()

    @staticmethod
    def _fence(connection: psycopg.Connection, query: str, *, position: int, epoch: int) -> int:
        row = connection.execute(_SQL[query], {"position": position, "epoch": epoch}).fetchone()
        if row is None:
            raise _overtaken(epoch)
        return int(row[0])


def _overtaken(epoch: int) -> FencedError:
    advice = "Another process relays this shard: empty the caches and stand by."
    return FencedError(f"The relay's epoch is no longer {epoch}.", advice=advice)
