"""Where the runner reads from: a unit's journal, or the hub's log, as one port.

Invariants: numbers increase, gaps are allowed; what was read once under a number comes never again under a lower one; a reader that has read up to a
number has missed nothing below it. The journal keeps one item a message, its latest state: whoever reads from the beginning sees only that, whoever
follows sees each state in turn, and both must come to the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, TypeVar

from contracts.codes import RefusalCode
from contracts.envelope import Message
from contracts.names import GroundId, MessageId, RecordKey, SubjectId, UnitId

BEGINNING: Final = -1
"""The position of a reader that has read nothing."""

JournalKind = Literal["own", "given", "erased", "refused"]

_ItemT_co = TypeVar("_ItemT_co", covariant=True)


class Recorded(Protocol):
    """What every item tells without being parsed."""

    @property
    def recorded_at(self) -> datetime:
        """When it was recorded."""


class Source(Protocol[_ItemT_co]):
    """A numbered, growing list of items."""

    def read(self, after: int, limit: int) -> Sequence[_ItemT_co]:
        """At most `limit` items with numbers above `after`, ascending; `BEGINNING` reads from the first."""

    def end(self) -> int:
        """The number of the last item, `BEGINNING` when there is none."""


@dataclass(frozen=True, slots=True)
class JournalItem:
    """One message as it stands at a unit. A later item of the same `message_id` replaces it."""

    number: int
    """Raised each time the message's state changes."""
    arrived: int
    """The message's place in the journal: given when it first came, never changed."""
    kind: JournalKind
    message_id: MessageId
    author: UnitId
    subject: SubjectId | None
    """The recipient's subject, by the delivery; kept when the entry is erased."""
    payload: bytes
    """The exact message; empty when it was erased."""
    recorded_at: datetime
    """When it first came to this unit."""
    ground_id: GroundId | None = None
    position: int | None = None
    """Its place in the hub's log; of an own message known once the receipt came."""
    state: str | None = None
    """How far an own message has come (held, waiting, sent, accepted), in the words of the unit's store."""
    refusal: RefusalCode | None = None
    """Why the hub or the unit's own gate refused it."""
    erased_at: datetime | None = None
    """With `erased`: until when it was shared."""


Journal = Source[JournalItem]


@dataclass(frozen=True, slots=True)
class LogRecipient:
    """A unit that a decision of the log gives the entry to, and under which ground."""

    unit: UnitId
    ground_id: GroundId | None = None


@dataclass(frozen=True, slots=True)
class LogBackfill:
    """A range that a decision of the log opens: `source`'s entries of the same subject up to and including `through`."""

    unit: UnitId
    ground_id: GroundId
    source: UnitId
    through: int


@dataclass(frozen=True, slots=True)
class LogItem:
    """One event of the hub's log. A refused one has no payload, an erased one has lost it."""

    position: int
    at: datetime
    key: RecordKey
    message_id: MessageId
    author: UnitId
    verdict: Literal["accepted", "refused"]
    payload: bytes | None = None
    outline: Message | None = None
    """Of an erased one what outlived it: its envelope, and facts without values."""
    code: RefusalCode | None = None
    recipients: tuple[LogRecipient, ...] = ()
    backfills: tuple[LogBackfill, ...] = ()

    @property
    def number(self) -> int:
        """Positions are the log's numbers."""
        return self.position

    @property
    def recorded_at(self) -> datetime:
        """The log's time."""
        return self.at


Log = Source[LogItem]
