"""What was sent, kept by the test alone, and what the hub's log and feeds hold of it.

Nothing here asks the system what ought to be there: expectations come from what the test did.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock

import psycopg

from contracts.delivery import Delivery
from contracts.envelope import parse
from contracts.feed_record import FeedRecord, document
from contracts.names import HUB, MessageId, UnitId
from contracts.receipt import Receipt
from contracts.signed_bytes import SignedBytes
from hub.domain.events import MessageAccepted, MessageRefused
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase

Slot = tuple[int, MessageId]
"""Number and message of one entry of a feed."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as its unit signed it."""

    unit: UnitId
    message_id: MessageId
    key: str
    signed: SignedBytes


@dataclass(slots=True)
class Ledger:
    """Everything sent so far; safe to share between threads."""

    sent: dict[MessageId, Sent] = field(default_factory=dict)
    renumbered: set[MessageId] = field(default_factory=set)
    """Refused for their number, and sent again as others."""
    _turn: Lock = field(default_factory=Lock)

    def add(self, messages: Iterable[Sent]) -> None:
        """Keep messages."""
        with self._turn:
            self.sent |= {one.message_id: one for one in messages}

    def replace(self, messages: Mapping[MessageId, Sent]) -> None:
        """The unit was told to number these again; the new ones stand for them."""
        with self._turn:
            self.renumbered |= set(messages)
            self.sent = {name: one for name, one in self.sent.items() if name not in messages}
            self.sent |= {one.message_id: one for one in messages.values()}

    def of(self, unit: str) -> set[MessageId]:
        """What a unit sent."""
        with self._turn:
            return {one.message_id for one in self.sent.values() if one.unit == unit}

    def all(self) -> list[Sent]:
        """Everything, in the order in which it was sent."""
        with self._turn:
            return list(self.sent.values())


@dataclass(frozen=True, slots=True)
class LogSeen:
    """The hub's log, decoded."""

    positions: tuple[int, ...]
    accepted: Mapping[MessageId, int]
    """How many events of acceptance a message has."""
    refused: Mapping[MessageId, int]
    digests: Mapping[MessageId, bytes]
    numbers: Mapping[tuple[UnitId, str], tuple[int, ...]]
    """The numbers of a unit's accepted messages under each record key, in the log's order."""
    feeds: Mapping[UnitId, tuple[Slot, ...]]
    """The slots of every feed, in order."""

    def check(self, ledger: Ledger) -> None:
        """Every message has exactly one event, behind the one numbered before it; the log has no gap; nothing is on a feed twice."""
        assert self.positions == tuple(range(len(self.positions)))
        for one in ledger.all():
            found = (self.accepted.get(one.message_id, 0), self.refused.get(one.message_id, 0))
            assert found == (1, 0), f"{one.message_id} of {one.unit} was accepted and refused {found} times"
            assert self.digests[one.message_id] == one.signed.digest
        assert set(self.accepted.values()) <= {1}
        assert set(self.refused) <= ledger.renumbered
        assert not ledger.renumbered & set(self.accepted)
        for key, numbers in self.numbers.items():
            assert numbers == tuple(range(1, len(numbers) + 1)), key
        for unit, slots in self.feeds.items():
            assert [number for number, _ in slots] == list(range(1, len(slots) + 1)), unit
            assert max(Counter(message for _, message in slots).values()) == 1, unit


def read_log(dsn: str, mapper: EventMapper) -> LogSeen:
    """The hub's log as it is in the database."""
    accepted: Counter[MessageId] = Counter()
    refused: Counter[MessageId] = Counter()
    digests: dict[MessageId, bytes] = {}
    at: dict[int, MessageId] = {}
    numbers: defaultdict[tuple[UnitId, str], list[int]] = defaultdict(list)
    with psycopg.connect(dsn, options="-c search_path=shard_0") as connection:
        slots = connection.execute("SELECT unit, sequence, position FROM delivery ORDER BY unit, sequence").fetchall()
    session = Session(ShardDatabase(dsn, 0), name="test")
    entries = LogReading(session, mapper).read(0, limit=1_000_000)
    session.close()
    for position, event in ((one.position, one.event) for one in entries):
        if isinstance(event, MessageAccepted):
            message = parse(event.message.payload)
            message_id = message.id
            if message.unit != HUB:
                numbers[message.unit, event.key].append(message.sequence)
            accepted[message_id] += 1
            at[position] = message_id
            digests[message_id] = sha256(event.message.payload).digest()
        elif isinstance(event, MessageRefused):
            refused[event.message_id] += 1
    feeds: defaultdict[UnitId, list[Slot]] = defaultdict(list)
    for unit, sequence, position in slots:
        feeds[UnitId(unit)].append((sequence, at[position]))
    return LogSeen(
        tuple(one.position for one in entries),
        accepted,
        refused,
        digests,
        {key: tuple(found) for key, found in numbers.items()},
        {unit: tuple(found) for unit, found in feeds.items()},
    )


def check_feed_as_seen(records: Iterable[FeedRecord]) -> Counter[MessageId]:
    """However often a receipt or a slot was produced, it said the same; returns how often each receipt was seen."""
    receipts: dict[MessageId, Receipt] = {}
    seen: Counter[MessageId] = Counter()
    slots: dict[tuple[int, int], tuple[str, int, str]] = {}
    for record in records:
        if record.kind == "receipt":
            receipt = document(record.signed, Receipt)
            seen[receipt.id] += 1
            assert receipts.setdefault(receipt.id, receipt) == receipt
        elif record.kind == "delivery":
            given = document(record.signed, Delivery)
            said = (given.link, given.position, given.digest)
            assert slots.setdefault((given.generation, given.sequence), said) == said
    return seen
