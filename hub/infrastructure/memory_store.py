"""`WriterStore` in memory.

Invariants: as the port says; a commit is checked whole before anything of it is applied.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from contracts.names import MessageId, RecordKey, Source
from hub.application.ports import Commit, FencedError, Head, Indexed, LogEntry, Parked, ParkedWish, Timer
from hub.infrastructure.memory_shard import MemoryConflictError, MemoryShard
from projections.kafka.positions import InputPosition


class MemoryWriterStore:
    """One writer of a `MemoryShard`; make several to see them fence each other."""

    def __init__(self, shard: MemoryShard) -> None:
        self._shard = shard
        self._epoch = 0

    def take_over(self) -> Head:
        """Raise the epoch: older writers are fenced."""
        with self._shard.turn:
            self._shard.epoch += 1
            self._epoch = self._shard.epoch
            return self._head()

    def head(self) -> Head:
        """The head row; raises `FencedError` when another writer has taken over, as a PostgreSQL session that lost its lock does."""
        self.beat()
        return self._head()

    def beat(self) -> None:
        """Raises `FencedError` when another writer has taken over."""
        self._fence(self._epoch)

    def commit(self, commit: Commit, *, head: Head) -> Head:
        """Write everything or nothing. Raises `FencedError`, `MemoryConflictError` and what the shard's faults raise."""
        with self._shard.turn:
            self._fence(head.epoch)
            self._check(commit, head)
            self._shard.before_commit()
            self._append(commit)
            self._beside(commit)
            self._shard.after_commit()
            return self._head()

    def load(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys in log order; absent keys are left out."""
        with self._shard.turn:
            return {key: entries_at(self._shard, self._shard.by_key[key]) for key in keys if key in self._shard.by_key}

    def find(self, ids: Sequence[tuple[Source, MessageId]]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of these messages came before."""
        with self._shard.turn:
            return {one: self._shard.index[one] for one in ids if one in self._shard.index}

    def at(self, positions: Sequence[int]) -> Sequence[LogEntry]:
        """The events at these positions, in log order."""
        with self._shard.turn:
            return entries_at(self._shard, sorted({one for one in positions if 0 <= one < len(self._shard.log)}))

    def input_positions(self) -> Sequence[InputPosition]:
        """How far each partition was read."""
        with self._shard.turn:
            return [self._shard.inputs[place] for place in sorted(self._shard.inputs)]

    def due_timers(self, now: datetime, *, limit: int) -> Sequence[Timer]:
        """Timers due at or before `now`, the oldest first."""
        with self._shard.turn:
            due = [timer for timer in self._shard.timers.values() if timer.due <= now]
        return sorted(due, key=lambda timer: (timer.due, timer.timer_id))[:limit]

    def waiting(self) -> Mapping[tuple[Source, MessageId], RecordKey]:
        """What is parked, and under which record key."""
        with self._shard.turn:
            return {place: one.key for place, one in self._shard.parked.items()}

    def wishes(self) -> Sequence[ParkedWish]:
        """What the operator asks about parked messages, the oldest first."""
        with self._shard.turn:
            return [self._shard.wishes[number] for number in sorted(self._shard.wishes)]

    def parked(self, key: RecordKey) -> Sequence[Parked]:
        """The parked messages of a key in the order in which they came."""
        with self._shard.turn:
            return [one for one in self._shard.parked.values() if one.key == key]

    def _head(self) -> Head:
        shard = self._shard
        return Head(shard.shard, len(shard.log), shard.epoch, shard.generation, shard.last_at)

    def _fence(self, epoch: int) -> None:
        if epoch != self._shard.epoch:
            raise FencedError(
                f"Epoch {epoch} has passed, the shard is at {self._shard.epoch}.",
                advice="Empty the caches and stand by.",
            )

    def _check(self, commit: Commit, head: Head) -> None:
        shard = self._shard
        if head.position != len(shard.log):
            problem = f"The log stands at position {len(shard.log)}, not at {head.position}."
            raise FencedError(problem, advice="Empty the caches and read the head row again.")
        versions = [(event.originator_id, event.originator_version) for event in commit.events]
        messages = [(one.source, one.message_id) for one in commit.indexed]
        if not _fresh(versions, shard.versions) or not _fresh(messages, shard.index):
            raise MemoryConflictError("Already recorded.", advice="Empty the caches and read the log again.")

    def _append(self, commit: Commit) -> None:
        shard, first = self._shard, len(self._shard.log)
        for event in commit.events:
            shard.by_key.setdefault(event.key, []).append(len(shard.log))
            shard.versions.add((event.originator_id, event.originator_version))
            shard.log.append(event)
        for one in commit.erasing:
            shard.erase(one, first=first)
        shard.index.update({(each.source, each.message_id): each for each in commit.indexed})
        shard.last_at = max(shard.last_at, commit.at)

    def _beside(self, commit: Commit) -> None:
        shard = self._shard
        shard.inputs.update({(one.topic, one.partition): one for one in commit.inputs})
        for closing in commit.closings:
            shard.closings[closing.key] = max(closing.position, shard.closings.get(closing.key, closing.position))
        for timer_id in commit.timers_cleared:
            shard.timers.pop(timer_id, None)
        for timer in commit.timers_set:
            shard.timers.setdefault(timer.timer_id, timer)
        shard.receipts_due.update({next(shard.numbers): position for position in commit.receipts_due})
        wishes = {next(shard.numbers): wish for wish in commit.replays if wish.shard is None}
        shard.replay_wishes.update(wishes)
        shard.key_wishes.update(wishes)
        shard.mailbox.update({one.position: one for one in commit.deposits})
        for letter in commit.dead_letters:
            place = (letter.topic, letter.partition, letter.incarnation, letter.offset)
            shard.dead_letters.setdefault(place, letter)
        for message in commit.unparked:
            shard.parked.pop(message, None)
        for number in commit.wishes_done:
            shard.wishes.pop(number, None)
        for one in commit.parked:
            shard.parked.setdefault((one.source, one.message_id), one)


def entries_at(shard: MemoryShard, positions: Iterable[int]) -> list[LogEntry]:
    """The events at these positions."""
    return [LogEntry(position, shard.event(position)) for position in positions]


def _fresh(new: Sequence[object], known: Iterable[object]) -> bool:
    held = set(new)
    return len(held) == len(new) and held.isdisjoint(known)
