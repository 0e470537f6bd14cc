"""Takes a stretch of records off a feed: verified things into the unit's store, the rest apart, with the place up to which it was read.

Invariants: one transaction a stretch, so a crash repeats it and changes nothing; what is bad never stops what is good; a message whose author's
key is not known yet is looked at again with each new trust list, and so is a released key that could not be checked or opened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from adapters.exchange import ledger_gossip
from adapters.exchange.directory_book import Added, DirectoryBook
from adapters.exchange.feed_chain import ChainTip, Gap, Recipient
from adapters.exchange.feed_check import (
    Delivered,
    FeedCheck,
    HeadSeen,
    OpeningKeyOf,
    Receipted,
    Released,
    Repeated,
    Suspicion,
    Suspicious,
    no_opening_key,
    opened,
)
from adapters.storage.feed import DeliveryItem, FeedTaking, HeadItem, OwnItem, ReceiptItem, ReleaseItem
from adapters.storage.feed_places import ChainState
from adapters.storage.receipts import Answer
from adapters.storage.suspicious import SuspiciousRecord
from adapters.storage.unit_store import Transaction, UnitStore
from contracts import feed_record
from contracts.delivery import Delivery
from contracts.envelope import Message
from contracts.messages.hub import TrustListPublished
from contracts.names import HUB, SubjectId
from contracts.sealing.release import Release
from contracts.signed_bytes import SignedBytes
from contracts.trust_list import Directory
from projections.kafka.positions import InputPosition, RawRecord
from projections.process.clock import Clock

_LATE_KEYS: Final = (Suspicion.UNKNOWN_HUB_KEY, Suspicion.NO_OPENING_KEY)
"""A release that was kept apart for one of these may hold once a newer trust list, or the unit's key, is here."""


@dataclass(slots=True)
class Stretch:
    """What a stretch of records brought."""

    slots: int = 0
    """New slots of the chain, withheld ones included."""
    entries: int = 0
    answers: int = 0
    """Receipts that were the first for their message."""
    to_renumber: bool = False
    """Messages wait to be made again under new numbers; an answer may be what they waited for."""
    keys: int = 0
    """Released keys."""
    heads: int = 0
    repeated: int = 0
    reached: set[int] = field(default_factory=set)
    """Shards whose head was caught up with."""
    moved_on: set[int] = field(default_factory=set)
    """Shards whose chain went on."""
    gaps: list[Gap] = field(default_factory=list)
    suspicious: list[Suspicion] = field(default_factory=list)
    reshaped: set[SubjectId] = field(default_factory=set)
    """Subjects whose grounds, restrictions or referrals changed."""
    directory: Directory | None = None
    """A newer trust list that came by the feed."""
    revision: int = 0
    """The journal's last one, where the stretch changed it."""


class FeedIntake:
    """Takes in the feed of one unit."""

    def __init__(
        self,
        *,
        store: UnitStore,
        recipient: Recipient,
        book: DirectoryBook,
        clock: Clock,
        opening: OpeningKeyOf = no_opening_key,
    ) -> None:
        self._store = store
        self._book = book
        self._clock = clock
        self._recipient = recipient
        self._opening = opening
        self._check = FeedCheck(recipient, opening)

    def take(self, batch: Sequence[RawRecord]) -> Stretch:
        """Take a stretch. Raises `NoDirectoryError` where there is no trust list to judge it by; nothing was taken then."""
        at = self._clock.now()
        directory = self._book.usable(at)
        with self._store.write(durable=False) as tx:  # what is forgotten is read again, from the place before it
            chains = tx.places.chains()
            taking = _Taking(tx, self._check, self._book, directory, at, tips_of(chains), FeedTaking(tx, at=at))
            for record in batch:
                taking.one(record)
            for last in {(record.topic, record.partition): record for record in batch}.values():
                tx.places.set_position(InputPosition.behind(last))
            stretch = taking.done()
            stretch.revision = tx.journal.last_revision() if stretch.entries or stretch.answers else 0
            stretch.to_renumber = stretch.answers > 0 and _to_renumber(tx)
        taking.keep_lists()
        return stretch

    def settle(self) -> set[SubjectId]:
        """Look again at messages whose author's key was unknown, and at released keys that could not be checked or opened.

        Returns the subjects whose grounds or referrals changed.
        """
        directory = self._book.newest
        if directory is None:
            return set()
        with self._store.write() as tx:
            taking = FeedTaking(tx, at=self._clock.now())
            for kept in tx.suspicious.of_reason(Suspicion.UNKNOWN_AUTHOR_KEY):
                record = feed_record.read(kept.value)
                delivery = feed_record.document(record.signed, Delivery)
                if record.message is None:
                    continue
                found = self._check.opened(record.message, directory, with_subject=delivery.subject is not None)
                if not isinstance(found, Suspicion):
                    taking.take_entry(DeliveryItem(delivery, record.signed, record.message, found))
                    tx.suspicious.settled(kept)
            for kept in [one for reason in _LATE_KEYS for one in tx.suspicious.of_reason(reason)]:
                match self._check.judge(kept.value, tips={}, directory=directory):
                    case Released(release, secret):
                        taking.take(ReleaseItem(release, secret))
                        tx.suspicious.settled(kept)
            return taking.done().reshaped

    def lost_keys(self) -> set[int]:
        """Shards that released something to a key which is gone, while others now seal to one that is here: asked for again, it opens."""
        directory = self._book.newest
        current = None if directory is None else directory.sealing_key(self._recipient.unit, self._clock.now())
        if current is None or self._opening(current.key_id) is None:
            return set()
        with self._store.write() as tx:
            lost = tx.suspicious.of_reason(Suspicion.NO_OPENING_KEY)
            shards = {feed_record.document(feed_record.read(one.value).signed, Release).shard for one in lost}
            for one in lost:
                tx.suspicious.settled(one)
        return shards


@dataclass(slots=True)
class _Taking:
    """One transaction that takes in a stretch."""

    tx: Transaction
    check: FeedCheck
    book: DirectoryBook
    directory: Directory
    at: datetime
    tips: dict[int, ChainTip]
    taking: FeedTaking
    stretch: Stretch = field(default_factory=Stretch)
    lists: list[Added] = field(default_factory=list)

    def one(self, record: RawRecord) -> None:
        """Take one record, whatever it is."""
        match self.check.judge(record.value, tips=self.tips, directory=self.directory):
            case Delivered() as slot:
                self._slot(record, slot)
            case Receipted(receipt, signed, None):
                self.taking.take(ReceiptItem(receipt, signed))
            case Receipted(receipt, signed, SignedBytes() as own):
                self.taking.take(OwnItem(receipt, signed, own, opened(own)))
            case Released(release, secret):
                self.taking.take(ReleaseItem(release, secret))
                self.stretch.keys += 1
            case HeadSeen() as seen:
                self._head(seen)
            case Gap() as gap:
                self.stretch.gaps.append(gap)
            case Repeated():
                self.stretch.repeated += 1
            case Suspicious(reason, gap):
                self.stretch.gaps += [gap] if gap is not None else []
                self._keep_apart(record, reason)

    def keep_lists(self) -> None:
        """Trust lists count from now on; call after the transaction was committed."""
        for added in self.lists:
            self.book.keep(added)

    def done(self) -> Stretch:
        """What it brought, written."""
        taken = self.taking.done()
        self.stretch.entries, self.stretch.reshaped = taken.entries, taken.reshaped
        first = [one for one in taken.answers.values() if one not in (Answer.REPEATED, Answer.NOT_OURS)]
        self.stretch.answers = len(first)
        return self.stretch

    def _slot(self, record: RawRecord, slot: Delivered) -> None:
        self.tips[slot.tip.shard] = slot.tip
        self.stretch.slots += 1
        self.stretch.moved_on.add(slot.tip.shard)
        trusted = slot.message if slot.doubt is None else None
        self.taking.take(DeliveryItem(slot.delivery, slot.signed, trusted, slot.opened))
        if trusted is not None and slot.opened is not None:
            ledger_gossip.hear(self.tx, slot.opened, trusted, at=self.at)
        if slot.doubt is not None:
            self._keep_apart(record, slot.doubt)
        message = slot.opened
        if isinstance(message, Message) and message.unit == HUB and isinstance(message.facts, TrustListPublished):
            self._list(message.facts)

    def _list(self, published: TrustListPublished) -> None:
        """The trust list travels by the feed too: whoever cannot read the directory topic still learns of it."""
        added = self.book.offer(self.tx, published.document.encode(), at=self.at)
        if isinstance(added, Added):
            self.lists.append(added)
            self.stretch.directory = self.directory = added.directory

    def _head(self, seen: HeadSeen) -> None:
        self.stretch.heads += 1
        if seen.gap is not None:
            self.stretch.gaps.append(seen.gap)
        if seen.tip is not None:
            self.stretch.reached.add(seen.head.shard)
            if seen.tip != self.tips.get(seen.tip.shard):  # a chain that has no slot yet
                self.tips[seen.tip.shard] = seen.tip
                start = ChainState(seen.tip.shard, seen.tip.generation, seen.tip.sequence, seen.tip.link)
                self.taking.begin_chain(start)
        self.taking.take(HeadItem(seen.head))

    def _keep_apart(self, record: RawRecord, reason: Suspicion) -> None:
        self.stretch.suspicious.append(reason)
        place = (record.topic, record.partition, record.offset)
        self.tx.suspicious.add(SuspiciousRecord(*place, reason, record.value or b"", self.at))


def tips_of(chains: Sequence[ChainState]) -> dict[int, ChainTip]:
    """The tip of each shard: that of its highest generation."""
    newest: dict[int, ChainTip] = {}
    for one in sorted(chains, key=lambda chain: chain.generation):
        newest[one.shard] = ChainTip(one.shard, one.generation, one.sequence, one.link)
    return newest


def gaps_of(tx: Transaction) -> list[Gap]:
    """What is missing up to the last head of each shard."""
    tips: Mapping[int, ChainTip] = tips_of(tx.places.chains())
    gaps = []
    for head in (kept.head for kept in tx.places.heads()):
        tip = tips.get(head.shard)
        reached = tip.sequence if tip is not None and tip.generation == head.generation else 0
        past = tip is not None and tip.generation > head.generation
        if not past and head.sequence > reached:
            gaps.append(Gap(head.shard, head.generation, reached + 1))
    return gaps


def _to_renumber(tx: Transaction) -> bool:
    return bool(tx.numbers.renumberings() or tx.outbox.to_remake())
