"""Taking in a stretch of the feed: entries, their keys, receipts and heads, in one transaction with the place up to which the topic was read.

Invariants: what comes here is verified (signatures of hub and author, programme, recipient); slots of a chain are taken in order without a gap,
each with the right link; taking the same stretch again changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from adapters.errors import AdapterError
from adapters.storage.feed_places import ChainState
from adapters.storage.journal import EntryKind, FeedPlace, NewEntry, OwnState, changes_grounds, shapes_state
from adapters.storage.opened import Sealed, keep_keys, look, open_waiting
from adapters.storage.outbox import OutboxState
from adapters.storage.receipts import Answer
from adapters.storage.restored import link_opened, restore_own
from adapters.storage.signed_columns import to_columns
from adapters.storage.unit_store import Transaction, UnitStore
from contracts.delivery import Delivery, first_link, next_link
from contracts.dsse import to_envelope
from contracts.envelope import Attributes, Message
from contracts.feed_head import FeedHead
from contracts.messages.hub import ObligationOpened, ObligationOverdue
from contracts.messages.key import KeyDeposited
from contracts.names import MessageId, SubjectId
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.sealing.release import Release
from contracts.signed_bytes import SignedBytes
from projections.kafka.positions import InputPosition


class FeedGapError(AdapterError):
    """A slot came whose predecessor is not here."""

    def __init__(self, shard: int, generation: int, expected: int, found: int) -> None:
        super().__init__(
            f"Feed {shard}/{generation} goes on with {found} where {expected} was expected",
            advice="Ask the hub for the feed again from the number expected.",
        )
        self.shard = shard
        self.generation = generation
        self.expected = expected
        self.found = found


class FeedForkError(AdapterError):
    """The links do not fit: the hub shows this unit another history than before."""

    def __init__(self, shard: int, generation: int, sequence: int) -> None:
        super().__init__(
            f"Slot {sequence} of feed {shard}/{generation} does not follow what came before",
            advice="Keep this database as evidence and talk to the operator and to another institution.",
        )
        self.sequence = sequence


@dataclass(frozen=True, slots=True)
class DeliveryItem:
    """One verified slot. `message` is None for a withheld one, and mere attributes for a type that this version does not know."""

    delivery: Delivery
    signed: SignedBytes
    author_signed: SignedBytes | None = None
    message: Attributes | None = None


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """One verified receipt."""

    receipt: Receipt
    signed: SignedBytes


@dataclass(frozen=True, slots=True)
class HeadItem:
    """One verified head."""

    head: FeedHead


@dataclass(frozen=True, slots=True)
class OwnItem:
    """A message of this unit that the hub gave back, verified, with its receipt."""

    receipt: Receipt
    signed: SignedBytes
    author_signed: SignedBytes
    message: Attributes


@dataclass(frozen=True, slots=True)
class ReleaseItem:
    """A key that was released to this unit, opened."""

    release: Release
    secret: bytes = field(repr=False)


FeedItem = DeliveryItem | ReceiptItem | HeadItem | OwnItem | ReleaseItem


@dataclass(slots=True)
class Taken:
    """What a stretch brought that was new."""

    entries: int = 0
    answers: dict[MessageId, Answer] = field(default_factory=dict)
    reshaped: set[SubjectId] = field(default_factory=set)
    """Subjects whose grounds, restrictions or referrals changed: their held entries are to be judged again."""


def accept_feed(
    store: UnitStore, items: Sequence[FeedItem], positions: Sequence[InputPosition], *, at: datetime
) -> Taken:
    """Store a stretch of the feed and how far its topic was read. Raises `FeedGapError`, `FeedForkError`; then nothing was stored."""
    with store.write() as tx:
        taking = FeedTaking(tx, at=at)
        for item in items:
            taking.take(item)
        for position in positions:
            tx.places.set_position(position)
        return taking.done()


class FeedTaking:
    """What one transaction takes in. Entries and receipts are written many at once: `done` before the transaction ends."""

    def __init__(self, tx: Transaction, *, at: datetime) -> None:
        self._tx = tx
        self._at = at
        self._taken = Taken()
        self._waiting: list[DeliveryItem | ReceiptItem] = []
        self._releases: list[ReleaseItem] = []
        self._chains: dict[tuple[int, int], ChainState] = {}
        self._moved: dict[tuple[int, int], ChainState] = {}

    def take(self, item: FeedItem) -> None:
        """Take one item. Raises `FeedGapError`, `FeedForkError`."""
        match item:
            case DeliveryItem():
                if self._goes_on(item.delivery):
                    self._waiting.append(item)
            case ReceiptItem():
                self._waiting.append(item)
            case ReleaseItem():
                self._releases.append(item)
            case OwnItem():
                self.done()
                self._taken.answers.setdefault(item.receipt.id, _take_own(self._tx, item, self._taken, at=self._at))
            case HeadItem():
                self.done()
                self._tx.places.set_head(item.head, at=self._at)
                _note_recovered(self._tx, item.head)

    def take_entry(self, item: DeliveryItem) -> None:
        """Take the entry of a slot, whose place in the chain is taken already."""
        self._waiting.append(item)

    def begin_chain(self, start: ChainState) -> None:
        """A chain that has no slot yet."""
        self._chains[start.shard, start.generation] = self._moved[start.shard, start.generation] = start

    def done(self) -> Taken:
        """Write all that was taken, in its order; returns what was new."""
        waiting, self._waiting = self._waiting, []
        releases, self._releases = self._releases, []
        keep_keys(self._tx, [(one.release, one.secret) for one in releases], at=self._at)
        for _, run in groupby(waiting, key=type):
            some = list(run)
            self._entries([item for item in some if isinstance(item, DeliveryItem)])
            self._receipts([item for item in some if isinstance(item, ReceiptItem)])
        for document in open_waiting(self._tx, [one.release for one in releases]):
            link_opened(self._tx, document, at=self._at)
        for state in self._moved.values():
            self._tx.places.set_chain(state)
        for shard in sorted({shard for shard, _ in self._moved}):
            self._tx.places.note_caught_up(shard)
        self._moved.clear()
        return self._taken

    def _receipts(self, items: Sequence[ReceiptItem]) -> None:
        if not items:
            return
        answers = self._tx.receipts.mark_all(
            [(item.receipt, item.signed) for item in items], journal=self._tx.journal, at=self._at
        )
        for item, answer in zip(items, answers, strict=True):
            if answer is not Answer.REPEATED or item.receipt.id not in self._taken.answers:
                self._taken.answers[item.receipt.id] = answer

    def _entries(self, items: Sequence[DeliveryItem]) -> None:
        known = self._tx.journal.known([item.message.id for item in items if item.message is not None])
        fresh: dict[MessageId, _Entry] = {}
        for item in items:
            message, author_signed = item.message, item.author_signed
            if message is not None and author_signed is not None and message.id not in known:
                fresh.setdefault(message.id, _Entry(item, message, author_signed))
        came = look(self._tx, [(one.message, one.author_signed.payload) for one in fresh.values()])
        rows = [one.row(sealed, at=self._at) for one, sealed in zip(fresh.values(), came, strict=True)]
        self._tx.journal.add(rows)
        self._taken.entries += len(fresh)
        for one, sealed in zip(fresh.values(), came, strict=True):
            if one.own:
                restore_own(self._tx, one.message, at=self._at)
                link_opened(self._tx, sealed.document, at=self._at)
            _follow_up(self._tx, one.message, one.item.delivery, self._taken, at=self._at)

    def _goes_on(self, delivery: Delivery) -> bool:
        """Move the chain on; False for a slot that came before."""
        state = self._chain(delivery)
        if delivery.sequence <= state.sequence:
            return False
        if delivery.sequence != state.sequence + 1:
            raise FeedGapError(state.shard, state.generation, state.sequence + 1, delivery.sequence)
        link = next_link(
            state.link,
            recipient=delivery.recipient,
            sequence=delivery.sequence,
            position=delivery.position,
            digest=bytes.fromhex(delivery.digest),
        )
        if link.hex() != delivery.link:
            raise FeedForkError(state.shard, state.generation, delivery.sequence)
        self.begin_chain(ChainState(state.shard, state.generation, delivery.sequence, link))
        return True

    def _chain(self, delivery: Delivery) -> ChainState:
        """Where the delivery's chain stands."""
        shard, generation = delivery.shard, delivery.generation
        known = self._chains.get((shard, generation)) or self._tx.places.chain(shard, generation)
        if known is not None:
            return known
        start = first_link(
            programme=delivery.programme, recipient=delivery.recipient, shard=shard, generation=generation
        )
        return ChainState(shard, generation, 0, start)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A given entry that is new here."""

    item: DeliveryItem
    message: Attributes
    author_signed: SignedBytes

    @property
    def own(self) -> bool:
        """One of this unit's own, which it had forgotten."""
        return self.message.unit == self.item.delivery.recipient

    def row(self, sealed: Sealed, *, at: datetime) -> NewEntry:
        """As the journal keeps it."""
        message, signature = self.message, to_columns(self.author_signed)
        return NewEntry(
            message_id=message.id,
            subject=self.item.delivery.subject or message.subject,
            author=message.unit,
            type=message.type,
            category=None if message.category is None else message.category.value,
            time=message.time,
            payload=signature.pop("payload"),
            kind=EntryKind.OWN if self.own else EntryKind.GIVEN,
            state=OwnState.ACCEPTED if self.own else None,
            recorded_at=at,
            place=_place(self.item),
            signature=signature,
            sealed_under=sealed.under,
            opened=sealed.document,
        )


def _take_own(tx: Transaction, item: OwnItem, taken: Taken, *, at: datetime) -> Answer:
    """Known here: a receipt like any other. Forgotten: back into the journal, with its number and its client."""
    message = item.message
    if tx.outbox.find(message.id) is not None:
        return tx.receipts.mark(item.receipt, item.signed, journal=tx.journal, at=at)
    if isinstance(message, Message) and isinstance(message.facts, KeyDeposited):
        return _take_own_deposit(tx, item, message, at=at)
    if tx.journal.find(message.id) is not None:
        return Answer.REPEATED
    signature = to_columns(item.author_signed)
    (sealed,) = look(tx, [(message, item.author_signed.payload)])
    entry = NewEntry(
        message_id=message.id,
        subject=message.subject,
        author=message.unit,
        type=message.type,
        category=None if message.category is None else message.category.value,
        time=message.time,
        payload=signature.pop("payload"),
        kind=EntryKind.OWN,
        state=OwnState.ACCEPTED,
        recorded_at=at,
        signature=signature,
        sealed_under=sealed.under,
        opened=sealed.document,
    )
    tx.journal.add([entry])
    tx.receipts.keep_own(item.receipt, item.signed, at=at)
    restore_own(tx, message, at=at)
    link_opened(tx, sealed.document, at=at)
    taken.entries += 1
    if message.subject is not None and shapes_state(message.type):
        taken.reshaped.add(message.subject)
    return Answer.ACCEPTED


def _take_own_deposit(tx: Transaction, item: OwnItem, message: Message, *, at: datetime) -> Answer:
    """That a key was deposited is no entry: only its number counts. The key itself comes by the key service."""
    if tx.receipts.find(message.id) is not None:
        return Answer.REPEATED
    tx.receipts.keep_own(item.receipt, item.signed, at=at)
    restore_own(tx, message, at=at)
    return Answer.ACCEPTED


def _note_recovered(tx: Transaction, head: FeedHead) -> None:
    """A head made after the shard took the request vouches for what was given back before it: the hub makes none while it owes a replay.

    On the shard that answered the request the feed's own order tells which came first, on another one the hub's clock.
    """
    asked = tx.recovery.open().get(head.shard)
    if asked is None:
        return
    request = tx.outbox.find(asked)
    while request is not None and request.replacement is not None:
        request = tx.outbox.find(request.replacement)
    if request is None or request.state is OutboxState.REFUSED:
        tx.recovery.done(head.shard)  # it stands in quarantine with the reason: numbers are then mended one by one
        return
    signed = tx.receipts.find(request.message_id) if request.state is OutboxState.ACCEPTED else None
    if signed is None:
        return
    receipt = Receipt.model_validate_json(signed.payload)
    if head.shard == receipt.shard or head.time > receipt.recorded:
        tx.recovery.done(head.shard)


def _place(item: DeliveryItem) -> FeedPlace:
    delivery = item.delivery
    return FeedPlace(
        shard=delivery.shard,
        generation=delivery.generation,
        sequence=delivery.sequence,
        position=delivery.position,
        ground_id=delivery.ground_id,
        delivery=to_envelope(item.signed, PayloadType.DELIVERY),
    )


def _follow_up(tx: Transaction, message: Attributes, delivery: Delivery, taken: Taken, *, at: datetime) -> None:
    subject = delivery.subject or message.subject
    if subject is None:
        return
    if shapes_state(message.type):
        taken.reshaped.add(subject)
    if changes_grounds(message.type):
        tx.content_keys.retire([subject])
    match message.facts if isinstance(message, Message) else None:
        case ObligationOpened() as facts if facts.unit == delivery.recipient:
            tx.obligations.open(facts, subject=subject, at=at)
        case ObligationOverdue() as facts if facts.unit == delivery.recipient:
            tx.obligations.mark_overdue(facts.obligation_id)
