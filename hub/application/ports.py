"""What the use cases need from outside, as protocols: the shard's store for its writer and for its relay, the clock, the ids.

Invariants: positions start at 0 and have no gaps; a commit that raises left nothing behind; a commit by a writer whose epoch has passed
raises `FencedError` and changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from contracts.categories import Category
from contracts.codes import DeadLetterReason
from contracts.messages.hub import ReportedDelivery
from contracts.names import GroundId, MessageId, RecordKey, Source, UnitId
from hub.domain.events import Event
from projections.kafka.positions import InputPosition


class HubError(Exception):
    """Root of the hub's errors; says what to do next in `advice`."""

    def __init__(self, message: str, *, advice: str) -> None:
        super().__init__(f"{message} {advice}")
        self.advice = advice


class FencedError(HubError):
    """Another writer (or relay) has taken over: this one must stop writing, empty its caches and stand by."""


class StoreUnavailableError(HubError):
    """The database cannot be reached, is full, or broke the session: nothing was written, try again after reading the head row."""


class UnusableListError(HubError):
    """The configured trust list cannot enter the log, so nothing may be decided under it."""


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The current instant, with offset."""


@dataclass(frozen=True, slots=True)
class Head:
    """The shard's head row: `position` is the next free one, `epoch` is raised by every take-over, `generation` after a restore."""

    shard: int
    position: int
    epoch: int
    generation: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event at its place in the log."""

    position: int
    event: Event
    digest: bytes = b""
    """SHA-256 of the event as stored, what the ledger commits to; empty where whoever reads has no use for it."""


class Indexed(NamedTuple):
    """One row of the idempotency index, kept for ever: what became of (`source`, `message_id`)."""

    source: Source
    message_id: MessageId
    digest: bytes
    position: int


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that is due: `timer_id` = UUIDv5(stream, kind, due), so setting it twice is setting it once."""

    timer_id: UUID
    due: datetime
    key: RecordKey
    partition: int
    kind: str
    reference: str
    """The ground, referral or obligation that it is about."""


@dataclass(frozen=True, slots=True)
class Closing:
    """From `position` on something is shut for `key`: a withdrawal, narrowing, expiry or restriction. `key` None: for all (trust list)."""

    key: RecordKey | None
    position: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that speaks for nobody: value up to 2 MiB, beyond that None with digest and size only."""

    topic: str
    partition: int
    offset: int
    incarnation: str
    reason: DeadLetterReason
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None
    digest: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that met an unexpected fault, or that stands behind one of the same record key."""

    key: RecordKey
    source: Source
    message_id: MessageId
    topic: str
    partition: int
    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    fault: str


@dataclass(frozen=True, slots=True)
class ParkedWish:
    """What the operator asks of the writer about the messages parked under a record key."""

    number: int
    """Given by the store, rising."""
    key: RecordKey
    verb: Literal["retry", "refuse", "refuse-first"]
    """Decide all again; refuse all; refuse the oldest and decide the others again."""


@dataclass(frozen=True, slots=True)
class ReplayWish:
    """A unit asked for its feed again, from `sequence` on (`feed.replay-requested`)."""

    unit: UnitId
    sequence: int
    own: bool = False
    """True: the unit wants back what it published itself (a restored adapter)."""
    shard: int | None = None
    """Whose relay is asked; None for the one of this shard."""


@dataclass(frozen=True, slots=True)
class Deposited:
    """A content key as its unit sealed it to the key service: the header beside the message at `position`. In no event, dead letter or export."""

    position: int
    header: bytes


def month_of(at: datetime) -> str:
    """The month, UTC, as 2026-11: for so long one key serves."""
    return f"{at.astimezone(UTC):%Y-%m}"


@dataclass(frozen=True, slots=True)
class Erasing:
    """Entries that do not open any more from this commit on: a client's of some categories, but for those recorded in months that hold others."""

    behind: int
    """How many of the commit's events stand before those that it no longer covers."""
    key: RecordKey
    scopes: frozenset[str]
    spared: frozenset[str] = frozenset()
    """Months, as `month_of` says them."""

    def covers(self, key: RecordKey, scope: str, month: str) -> bool:
        """Whether what was recorded before it of this scope and month is among it."""
        return key == self.key and scope in self.scopes and month not in self.spared


@dataclass(frozen=True, slots=True)
class Commit:
    """All that one transaction of the writer writes."""

    at: datetime
    events: Sequence[Event] = ()
    indexed: Sequence[Indexed] = ()
    inputs: Sequence[InputPosition] = ()
    closings: Sequence[Closing] = ()
    timers_set: Sequence[Timer] = ()
    timers_cleared: Sequence[UUID] = ()
    receipts_due: Sequence[int] = ()
    """Positions whose receipt is to be sent again, since the message came again."""
    dead_letters: Sequence[DeadLetter] = ()
    parked: Sequence[Parked] = ()
    unparked: Sequence[tuple[Source, MessageId]] = ()
    wishes_done: Sequence[int] = ()
    """Numbers of the operator's wishes that this commit fulfils."""
    replays: Sequence[ReplayWish] = ()
    deposits: Sequence[Deposited] = ()
    """Keys for the key service, which takes them out: accepted means that it will get them."""
    erasing: Sequence[Erasing] = ()


class WriterStore(Protocol):
    """The shard's store as its one writer sees it: one database session for lock and writes."""

    def take_over(self) -> Head:
        """Raise the epoch and return the head: from now on older writers are fenced. Raises `StoreUnavailableError`."""

    def head(self) -> Head:
        """Read the head row again (after any commit error)."""

    def beat(self) -> None:
        """Show that this writer lives; raises `FencedError` when the lock or the session is gone."""

    def commit(self, commit: Commit, *, head: Head) -> Head:
        """Write everything or nothing; events get the positions from `head.position` on. Raises `FencedError`, `StoreUnavailableError`."""

    def load(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys in log order; absent keys are left out. One round trip."""

    def find(self, ids: Sequence[tuple[Source, MessageId]]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of these messages came before. One round trip."""

    def at(self, positions: Sequence[int]) -> Sequence[LogEntry]:
        """The events at these positions."""

    def input_positions(self) -> Sequence[InputPosition]:
        """How far each partition was read."""

    def due_timers(self, now: datetime, *, limit: int) -> Sequence[Timer]:
        """Timers due at or before `now`, the oldest first."""

    def waiting(self) -> Mapping[tuple[Source, MessageId], RecordKey]:
        """What is parked, and under which record key."""

    def parked(self, key: RecordKey) -> Sequence[Parked]:
        """The parked messages of a key in the order in which they came."""

    def wishes(self) -> Sequence[ParkedWish]:
        """What the operator asks about parked messages, the oldest first."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """Where one feed stands: the last number given and the hash link over all of them."""

    unit: UnitId
    sequence: int
    link: bytes


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One committed slot of a feed. `signed` is the DSSE envelope of the delivery as produced last."""

    unit: UnitId
    sequence: int
    link: bytes
    position: int
    key: RecordKey
    ground: GroundId | None
    digest: bytes
    withheld: bool
    signed: bytes


@dataclass(frozen=True, slots=True)
class BackfillRow:
    """A range still to be expanded: `source`'s entries of `key` for `unit`, from position `after` (exclusive) up to `through` (inclusive)."""

    ordered_at: int
    unit: UnitId
    ground: GroundId
    source: UnitId
    key: RecordKey
    after: int
    through: int


@dataclass(frozen=True, slots=True)
class RelayState:
    """How far the relay decided (`position`: the next to read) and how far what it committed was also produced."""

    position: int
    produced: int
    epoch: int


@dataclass(frozen=True, slots=True)
class RelayCommit:
    """All that one transaction of the relay writes, before it produces."""

    position: int
    deliveries: Sequence[DeliveryRow] = ()
    """New slots, or old ones signed again after a replay (same unit and sequence)."""
    backfills: Sequence[BackfillRow] = ()
    """New ranges, and known ones with a new `after`."""
    backfills_done: Sequence[BackfillRow] = ()
    to_report: Sequence[DeliveryRow] = ()
    """New slots, and old ones whose verdict changed: what the log is to be told."""


@dataclass(frozen=True, slots=True)
class Report:
    """Slots that were produced and that the log does not name yet: a range once fixed, so that telling it twice is telling it once."""

    first: int
    through: int
    at: datetime
    """When the range was fixed."""
    generation: int
    deliveries: tuple[ReportedDelivery, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """What may be to do: the log's head, and what else waits."""

    head: Head
    backfills: bool
    receipts: bool
    replays: bool


class RelayStore(Protocol):
    """The shard's store as its one relay (dispatch) sees it; fenced like the writer."""

    def take_over(self) -> RelayState:
        """Raise the relay's epoch. Raises `StoreUnavailableError`."""

    def head(self) -> Head:
        """The log's head row as committed now."""

    def pending(self) -> Pending:
        """Whether there may be anything to do, as committed now. One round trip."""

    def read(self, position: int, *, limit: int) -> Sequence[LogEntry]:
        """Committed events from `position` on, in order."""

    def at(self, positions: Sequence[int]) -> Sequence[LogEntry]:
        """The events at these positions."""

    def load(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys in log order."""

    def find(self, ids: Sequence[tuple[Source, MessageId]]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of these messages came before. One round trip."""

    def published(self, source: Source, *, after: int, limit: int) -> Sequence[int]:
        """Positions beyond `after` of the accepted messages of a source, in order: what a restored adapter asks back."""

    def closings(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey | None, int]:
        """The position of the last closing of each key, and of the last for all (None)."""

    def feeds(self) -> Mapping[UnitId, FeedState]:
        """Every feed of this shard and generation."""

    def given(self, positions: Sequence[int]) -> frozenset[tuple[UnitId, int]]:
        """Which (unit, position) pairs have a slot already."""

    def deliveries(self, unit: UnitId, *, from_sequence: int, limit: int) -> Sequence[DeliveryRow]:
        """The slots of a feed from a number on, for a replay."""

    def unproduced(self) -> Sequence[DeliveryRow]:
        """Slots committed for positions or ranges of which it is not certain that they were produced (after a crash)."""

    def backfills(self) -> Sequence[BackfillRow]:
        """Ranges not yet expanded whole, the oldest first."""

    def receipts_due(self) -> Sequence[int]:
        """Positions whose receipt is to be sent again."""

    def replay_wishes(self) -> Sequence[ReplayWish]:
        """Replays asked for and not yet served."""

    def input_positions(self) -> Sequence[InputPosition]:
        """How far the writer has read the inbox (for feed heads)."""

    def commit(self, commit: RelayCommit, *, epoch: int) -> None:
        """Write everything or nothing. Raises `FencedError`, `StoreUnavailableError`."""

    def mark_produced(
        self, commit: RelayCommit, *, receipts: Sequence[int], replays: Sequence[ReplayWish], epoch: int
    ) -> None:
        """What was committed was acknowledged by the broker; these receipts and replays are served."""

    def report(self, *, at: datetime, limit: int, epoch: int) -> Report | None:
        """The report under way, else one fixed now over at most `limit` slots, the oldest first; None where all is told. Raises `FencedError`."""

    def reported(self, report: Report, *, epoch: int) -> None:
        """The log holds this report: forget what it told. Raises `FencedError`."""

    def retention(self) -> Mapping[Category, int]:
        """Of each category the position up to which the log holds nothing that has been kept too long."""

    def retained(self, category: Category, position: int, *, epoch: int) -> None:
        """Move a category's place on. Raises `FencedError`."""
