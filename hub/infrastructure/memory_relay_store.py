"""`RelayStore` in memory.

Invariants: as the port says; a commit is checked whole before anything of it is applied.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from contracts.categories import Category
from contracts.messages.hub import ReportedDelivery
from contracts.names import GroundId, MessageId, RecordKey, Source, UnitId
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
from hub.domain.events import MessageAccepted
from hub.infrastructure.memory_shard import MemoryConflictError, MemoryShard
from hub.infrastructure.memory_store import entries_at
from hub.infrastructure.postgres.mapper import EventMapper
from projections.kafka.positions import InputPosition

_MAPPER: Final = EventMapper()


class MemoryRelayStore:
    """One relay of a `MemoryShard`; make several to see them fence each other."""

    def __init__(self, shard: MemoryShard) -> None:
        self._shard = shard
        self._epoch = 0
        self._receipts_seen = 0
        self._wishes_seen = 0

    def take_over(self) -> RelayState:
        """Raise the relay's epoch: older relays are fenced."""
        with self._shard.turn:
            self._shard.relay_epoch += 1
            self._epoch = self._shard.relay_epoch
            return RelayState(self._shard.relay_position, self._shard.relay_produced, self._epoch)

    def beat(self) -> None:
        """Raises `FencedError` when another relay has taken over."""
        self._fence(self._epoch)

    def head(self) -> Head:
        """The log's head row."""
        with self._shard.turn:
            shard = self._shard
            return Head(shard.shard, len(shard.log), shard.epoch, shard.generation, shard.last_at)

    def pending(self) -> Pending:
        """Whether there may be anything to do."""
        with self._shard.turn:
            shard = self._shard
            return Pending(self.head(), bool(shard.backfills), bool(shard.receipts_due), bool(shard.replay_wishes))

    def read(self, position: int, *, limit: int) -> Sequence[LogEntry]:
        """Events from `position` on, in order."""
        with self._shard.turn:
            return self._with_digests(range(position, min(position + limit, len(self._shard.log))))

    def at(self, positions: Sequence[int]) -> Sequence[LogEntry]:
        """The events at these positions, in log order."""
        with self._shard.turn:
            wanted = sorted({one for one in positions if 0 <= one < len(self._shard.log)})
            return self._with_digests(wanted)

    def _with_digests(self, positions: Iterable[int]) -> list[LogEntry]:
        """As a database would store them, in clear."""
        log = self._shard.log
        return [
            replace(one, digest=sha256(_MAPPER.to_stored_event(log[one.position]).state).digest())
            for one in entries_at(self._shard, positions)
        ]

    def load(self, keys: Sequence[RecordKey], *, below: int | None = None) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys in log order, or those before a position."""
        with self._shard.turn:
            end = len(self._shard.log) if below is None else below
            known = {key: self._shard.by_key[key] for key in keys if key in self._shard.by_key}
            return {key: entries_at(self._shard, [at for at in places if at < end]) for key, places in known.items()}

    def input_positions(self) -> Sequence[InputPosition]:
        """How far the writer has read the inbox."""
        with self._shard.turn:
            return [self._shard.inputs[place] for place in sorted(self._shard.inputs)]

    def find(self, ids: Sequence[tuple[Source, MessageId]]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of these messages came before."""
        with self._shard.turn:
            return {one: self._shard.index[one] for one in ids if one in self._shard.index}

    def published(self, source: Source, *, after: int, limit: int) -> Sequence[int]:
        """Positions beyond `after` of the accepted messages of a source, in order."""
        with self._shard.turn:
            rows = (row for (one, _), row in self._shard.index.items() if one == source and row.position > after)
            positions = sorted(row.position for row in rows)
            return [at for at in positions if isinstance(self._shard.log[at], MessageAccepted)][:limit]

    def closings(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey | None, int]:
        """The position of the last closing of each key, and of the last for all (None)."""
        with self._shard.turn:
            return {key: self._shard.closings[key] for key in (*keys, None) if key in self._shard.closings}

    def feeds(self) -> Mapping[UnitId, FeedState]:
        """Every feed."""
        with self._shard.turn:
            return dict(self._shard.feeds)

    def given(self, positions: Sequence[int]) -> frozenset[tuple[UnitId, int]]:
        """Which (unit, position) pairs have a slot already."""
        asked = frozenset(positions)
        with self._shard.turn:
            return frozenset(pair for pair in self._shard.given if pair[1] in asked)

    def deliveries(self, unit: UnitId, *, from_sequence: int, limit: int) -> Sequence[DeliveryRow]:
        """The slots of a feed from a number on."""
        with self._shard.turn:
            slots = [
                one for one in self._shard.deliveries.values() if one.unit == unit and one.sequence >= from_sequence
            ]
        return sorted(slots, key=lambda one: one.sequence)[:limit]

    def unproduced(self) -> Sequence[DeliveryRow]:
        """Slots that were committed and not yet marked as produced, by unit and sequence."""
        with self._shard.turn:
            return [self._shard.deliveries[place] for place in sorted(self._shard.unproduced)]

    def backfills(self) -> Sequence[BackfillRow]:
        """Ranges not yet expanded whole, the oldest first."""
        with self._shard.turn:
            return [self._shard.backfills[place] for place in sorted(self._shard.backfills)]

    def receipts_due(self) -> Sequence[int]:
        """Positions whose receipt is to be sent again, each once, the longest due first."""
        with self._shard.turn:
            self._receipts_seen = max([self._receipts_seen, *self._shard.receipts_due])
            return list(dict.fromkeys(self._shard.receipts_due.values()))

    def replay_wishes(self) -> Sequence[ReplayWish]:
        """Replays asked for and not yet served, each once, the oldest first."""
        with self._shard.turn:
            self._wishes_seen = max([self._wishes_seen, *self._shard.replay_wishes])
            return list(dict.fromkeys(self._shard.replay_wishes.values()))

    def commit(self, commit: RelayCommit, *, epoch: int) -> None:
        """Write everything or nothing. Raises `FencedError`, `MemoryConflictError` and what the shard's faults raise."""
        with self._shard.turn:
            self._fence(epoch)
            self._check(commit.deliveries)
            self._shard.before_commit()
            self._shard.relay_position = max(self._shard.relay_position, commit.position)
            self._write_slots(commit.deliveries)
            shard = self._shard
            shard.unreported.update({next(shard.numbers): (shard.generation, one) for one in commit.to_report})
            self._shard.backfills.update({_place(one): one for one in commit.backfills})
            for one in commit.backfills_done:
                self._shard.backfills.pop(_place(one), None)
            self._shard.after_commit()

    def mark_produced(
        self, commit: RelayCommit, *, receipts: Sequence[int], replays: Sequence[ReplayWish], epoch: int
    ) -> None:
        """What was committed was acknowledged by the broker; these receipts and replays are served."""
        with self._shard.turn:
            shard = self._shard
            self._fence(epoch)
            shard.relay_produced = max(shard.relay_produced, commit.position)
            shard.unproduced -= {(one.unit, one.sequence) for one in commit.deliveries}
            due, wishes = shard.receipts_due.items(), shard.replay_wishes.items()
            shard.receipts_due = {n: p for n, p in due if n > self._receipts_seen or p not in receipts}
            shard.replay_wishes = {n: w for n, w in wishes if n > self._wishes_seen or w not in replays}

    def report(self, *, at: datetime, limit: int, epoch: int) -> Report | None:
        """The report under way, else one fixed now over at most `limit` slots, the oldest first; None where all is told."""
        with self._shard.turn:
            shard = self._shard
            self._fence(epoch)
            if not shard.unreported:
                return None
            first = min(shard.unreported)
            generation, _ = shard.unreported[first]
            oldest = sorted(shard.unreported)[:limit]
            through = max(number for number in oldest if shard.unreported[number][0] == generation)
            shard.report = shard.report or (through, at)
            through, at = shard.report
            rows = [shard.unreported[number][1] for number in sorted(shard.unreported) if number <= through]
            return Report(first, through, at, generation, tuple(_reported(row) for row in rows))

    def reported(self, report: Report, *, epoch: int) -> None:
        """The log holds this report: forget what it told."""
        with self._shard.turn:
            self._fence(epoch)
            self._shard.report = None
            kept = self._shard.unreported.items()
            self._shard.unreported = {number: row for number, row in kept if number > report.through}

    def retention(self) -> Mapping[Category, int]:
        """Of each category the position up to which the log holds nothing that should be erased."""
        with self._shard.turn:
            return dict(self._shard.retention)

    def retained(self, category: Category, position: int, *, epoch: int) -> None:
        """Move a category's place on."""
        with self._shard.turn:
            self._fence(epoch)
            self._shard.retention[category] = position

    def _fence(self, epoch: int) -> None:
        if epoch != self._shard.relay_epoch:
            problem = f"The relay's epoch is no longer {epoch}."
            raise FencedError(problem, advice="Empty the caches and stand by.")

    def _check(self, deliveries: Sequence[DeliveryRow]) -> None:
        for one in deliveries:
            slot = self._shard.deliveries.get((one.unit, one.sequence))
            other = slot is not None and (slot.position, slot.link) != (one.position, one.link)
            if other or self._shard.given.get((one.unit, one.position), one.sequence) != one.sequence:
                advice = "The relay's memory of its feeds is wrong: empty the caches and read the feeds again."
                raise MemoryConflictError("A slot of a feed holds another entry already.", advice=advice)

    def _write_slots(self, deliveries: Sequence[DeliveryRow]) -> None:
        for one in deliveries:
            self._shard.deliveries[one.unit, one.sequence] = one
            self._shard.given[one.unit, one.position] = one.sequence
            self._shard.unproduced.add((one.unit, one.sequence))
            feed = self._shard.feeds.get(one.unit)
            if feed is None or feed.sequence < one.sequence:
                self._shard.feeds[one.unit] = FeedState(one.unit, one.sequence, one.link)


def _reported(row: DeliveryRow) -> ReportedDelivery:
    verdict: Literal["given", "withheld"] = "withheld" if row.withheld else "given"
    return ReportedDelivery(unit=row.unit, feed_sequence=row.sequence, position=row.position, verdict=verdict)


def _place(one: BackfillRow) -> tuple[int, UnitId, GroundId, UnitId]:
    return one.ordered_at, one.unit, one.ground, one.source
