"""A shard's tables in memory, for tests and the simulator: what PostgreSQL promises, without it.

Invariants: the same as in `hub.infrastructure.postgres`; the same behavioural tests run on both. Only `hub.infrastructure.memory_store` and
`memory_relay_store` change what is here, each change under `turn`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import RLock
from typing import Literal
from uuid import UUID

from eventsourcing.persistence import IntegrityError

from contracts.categories import Category
from contracts.names import GroundId, MessageId, RecordKey, Source, UnitId
from hub.application.ports import (
    BackfillRow,
    DeadLetter,
    DeliveryRow,
    Deposited,
    Erasing,
    FeedState,
    HubError,
    Indexed,
    Parked,
    ParkedWish,
    ReplayWish,
    Timer,
    month_of,
)
from hub.domain.events import Event, MessageAccepted
from projections.kafka.positions import InputPosition


class MemoryConflictError(HubError, IntegrityError):
    """A stream version, message or slot that is to be written is there already."""


def nothing() -> None:
    """No fault."""


@dataclass(slots=True)
class MemoryShard:
    """The tables. `before_commit` and `after_commit` may raise, as a database that is away or whose answer is lost."""

    shard: int = 0
    epoch: int = 0
    generation: int = 1
    last_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    log: list[Event] = field(default_factory=list)
    erased: set[int] = field(default_factory=set)
    """Positions whose signed bytes open no more, though `log` has them still."""
    versions: set[tuple[UUID, int]] = field(default_factory=set)
    by_key: dict[RecordKey, list[int]] = field(default_factory=dict)
    index: dict[tuple[Source, MessageId], Indexed] = field(default_factory=dict)
    inputs: dict[tuple[str, int], InputPosition] = field(default_factory=dict)
    closings: dict[RecordKey | None, int] = field(default_factory=dict)
    timers: dict[UUID, Timer] = field(default_factory=dict)
    dead_letters: dict[tuple[str, int, str, int], DeadLetter] = field(default_factory=dict)
    parked: dict[tuple[Source, MessageId], Parked] = field(default_factory=dict)
    wishes: dict[int, ParkedWish] = field(default_factory=dict)
    receipts_due: dict[int, int] = field(default_factory=dict)
    replay_wishes: dict[int, ReplayWish] = field(default_factory=dict)
    mailbox: dict[int, Deposited] = field(default_factory=dict)
    key_wishes: dict[int, ReplayWish] = field(default_factory=dict)
    """Of the key service, under the same numbers."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """Numbers what the relay is to serve, so that it clears only what it has read."""
    relay_epoch: int = 0
    relay_position: int = 0
    relay_produced: int = 0
    feeds: dict[UnitId, FeedState] = field(default_factory=dict)
    deliveries: dict[tuple[UnitId, int], DeliveryRow] = field(default_factory=dict)
    given: dict[tuple[UnitId, int], int] = field(default_factory=dict)
    unproduced: set[tuple[UnitId, int]] = field(default_factory=set)
    backfills: dict[tuple[int, UnitId, GroundId, UnitId], BackfillRow] = field(default_factory=dict)
    unreported: dict[int, tuple[int, DeliveryRow]] = field(default_factory=dict)
    """By number: generation and slot."""
    report: tuple[int, datetime] | None = None
    """Of the report under way: its last number, and when it was fixed."""
    retention: dict[Category, int] = field(default_factory=dict)
    before_commit: Callable[[], None] = nothing
    after_commit: Callable[[], None] = nothing
    turn: RLock = field(default_factory=RLock)

    def event(self, position: int) -> Event:
        """As it is read."""
        event = self.log[position]
        if position not in self.erased or not isinstance(event, MessageAccepted):
            return event
        return event.model_copy(update={"message": event.message.model_copy(update={"payload": b""})})

    def erase(self, one: Erasing, *, first: int) -> None:
        """Destroy what opens entries; `first`: the position of the commit's first event."""
        for position in self.by_key.get(one.key, ()):
            event = self.log[position]
            outline = event.outline if isinstance(event, MessageAccepted) else None
            before = outline is not None and position < first + one.behind
            if before and outline is not None and one.covers(event.key, outline.category, month_of(event.at)):
                self.erased.add(position)

    def ask(self, key: RecordKey, verb: Literal["retry", "refuse", "refuse-first"]) -> None:
        """What the operator's command writes."""
        with self.turn:
            number = next(self.numbers)
            self.wishes[number] = ParkedWish(number, key, verb)
