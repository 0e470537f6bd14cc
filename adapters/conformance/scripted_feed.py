"""The feed that the kit gives to the adapter under test: right slots, and each kind of wrong one. Pure.

Invariants: only `append` moves the chain; whatever else is made here leaves it where it was, so the true slot can follow.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from adapters.conformance.cast import OTHER, PARTNER, Cast, public_key_pair
from adapters.conformance.inspection import Arrival
from contracts.codes import RefusalCode
from contracts.delivery import Delivery, first_link, next_link
from contracts.envelope import parse_attributes
from contracts.errors import ContractsError
from contracts.feed_head import FeedHead, InboxMark
from contracts.feed_record import FeedRecord, payload_of, write_signed
from contracts.keys import KeyUse, SigningKey
from contracts.names import GroundId, SubjectId, UnitId, source_of
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.signed_bytes import SignedBytes, sign_batch, sign_one

GROUND: Final = GroundId("00000000-0000-7000-8000-00000000c0de")
_FIRST_POSITION: Final = 100


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot of the chain and the message beside it."""

    delivery: Delivery
    message: SignedBytes | None


@dataclass(slots=True)
class ScriptedFeed:
    """The feed of the unit under test, shard 0."""

    cast: Cast
    generation: int = 1
    slots: list[Slot] = field(default_factory=list)
    _position: int = _FIRST_POSITION
    _answers: int = 0

    @property
    def link(self) -> bytes:
        """Behind the last slot."""
        if self.slots:
            return bytes.fromhex(self.slots[-1].delivery.link)
        return first_link(programme=self.cast.programme, recipient=self.cast.unit, shard=0, generation=self.generation)

    def restored(self) -> None:
        """The hub came back from a backup: a higher generation, a new chain."""
        self.generation += 1
        self.slots.clear()

    def next_slot(self, message: SignedBytes, *, withheld: bool = False, recipient: UnitId | None = None) -> Slot:
        """The slot that would follow; `recipient` addresses it to another unit."""
        whom = recipient or self.cast.unit
        sequence, position = len(self.slots) + 1, self._position + 1
        link = next_link(self.link, recipient=whom, sequence=sequence, position=position, digest=message.digest)
        delivery = Delivery(
            programme=self.cast.programme,
            recipient=whom,
            shard=0,
            generation=self.generation,
            sequence=sequence,
            link=link.hex(),
            position=position,
            ground_id=None if withheld else GROUND,
            subject=_subject_of(message),
            digest=message.digest.hex(),
            verdict="withheld" if withheld else "given",
        )
        return Slot(delivery, None if withheld else message)

    def append(self, message: SignedBytes, *, withheld: bool = False) -> Slot:
        """The next slot of the chain."""
        self.slots.append(self.next_slot(message, withheld=withheld))
        self._position += 1
        return self.slots[-1]

    def record(self, slot: Slot) -> bytes:
        """A slot as it lies on the topic."""
        return self._written(slot, self._key(KeyUse.DELIVERIES))

    def replay(self, from_sequence: int) -> list[bytes]:
        """Every slot from a number on."""
        return [self.record(slot) for slot in self.slots[max(0, from_sequence - 1) :]]

    def forged(self, slot: Slot) -> list[bytes]:
        """The slot with a signature that does not hold, by a key that is no hub's, and by a hub's key for something else."""
        good = sign_one(payload_of(slot.delivery), self._key(KeyUse.DELIVERIES), PayloadType.DELIVERY)
        broken = replace(good, signature=bytes([good.signature[0] ^ 1]) + good.signature[1:])
        by_partner = _any_key(payload_of(slot.delivery), public_key_pair(PARTNER), PayloadType.DELIVERY)
        by_other_use = _any_key(payload_of(slot.delivery), self._key(KeyUse.RECEIPTS), PayloadType.DELIVERY)
        return [write_signed(FeedRecord("delivery", one, slot.message)) for one in (broken, by_partner, by_other_use)]

    def forked(self, slot: Slot) -> bytes:
        """The slot, properly signed, with a link that does not follow."""
        link = bytes.fromhex(slot.delivery.link)
        other = slot.delivery.model_copy(update={"link": (bytes([link[0] ^ 1]) + link[1:]).hex()})
        return self.record(Slot(other, slot.message))

    def misaddressed(self, message: SignedBytes) -> bytes:
        """The next slot, but for another unit, with the link that it would have in this chain."""
        return self.record(self.next_slot(message, recipient=OTHER))

    def beside(self, slot: Slot, other: SignedBytes) -> bytes:
        """The slot with another message beside it than the one that it names."""
        return self.record(Slot(slot.delivery, other))

    def in_tree(self, slot: Slot, *, right: bool) -> bytes:
        """The slot under a tree signature that it shares; with another leaf's proof unless `right`."""
        other = slot.delivery.model_copy(update={"verdict": "withheld"})
        payloads = [payload_of(slot.delivery), payload_of(other), b"{}"]
        mine, neighbour, _ = sign_batch(payloads, self._key(KeyUse.DELIVERIES))
        signed = mine if right else replace(mine, proof=neighbour.proof)
        return write_signed(FeedRecord("delivery", signed, slot.message))

    def head(self, marks: tuple[InboxMark, ...], at: datetime, *, ahead: Slot | None = None) -> bytes:
        """How far the feed goes; with `ahead` as if that slot were in it already."""
        last = len(self.slots) if ahead is None else ahead.delivery.sequence
        head = FeedHead(
            programme=self.cast.programme,
            recipient=self.cast.unit,
            shard=0,
            generation=self.generation,
            sequence=last,
            link=self.link.hex() if ahead is None else ahead.delivery.link,
            inbox=marks,
            time=at,
            trust_list=2,
        )
        signed = sign_one(payload_of(head), self._key(KeyUse.DELIVERIES), PayloadType.FEED_HEAD)
        return write_signed(FeedRecord("head", signed))

    def receipt(
        self,
        arrival: Arrival,
        at: datetime,
        *,
        code: RefusalCode | None = None,
        last: int | None = None,
        digest: bytes | None = None,
    ) -> bytes:
        """The hub's answer."""
        signed = sign_one(
            self._receipt(arrival, at, code, last, digest), self._key(KeyUse.RECEIPTS), PayloadType.RECEIPT
        )
        return write_signed(FeedRecord("receipt", signed))

    def forged_receipt(self, arrival: Arrival, at: datetime) -> bytes:
        """An acceptance whose signature does not hold."""
        payload = self._receipt(arrival, at, None, None, None)
        good = sign_one(payload, self._key(KeyUse.RECEIPTS), PayloadType.RECEIPT)
        broken = replace(good, signature=good.signature[:-1] + bytes([good.signature[-1] ^ 1]))
        return write_signed(FeedRecord("receipt", broken))

    def _receipt(
        self, arrival: Arrival, at: datetime, code: RefusalCode | None, last: int | None, digest: bytes | None
    ) -> bytes:
        self._answers += 1
        receipt = Receipt(
            programme=self.cast.programme,
            source=source_of(self.cast.programme, self.cast.unit),
            id=arrival.id,
            digest=(digest or arrival.digest).hex(),
            verdict="accepted" if code is None else "refused",
            code=code,
            last_sequence=last,
            shard=0,
            generation=self.generation,
            position=self._answers,
            recorded=at,
            trust_list=2,
        )
        return payload_of(receipt)

    def _written(self, slot: Slot, key: SigningKey) -> bytes:
        signed = sign_one(payload_of(slot.delivery), key, PayloadType.DELIVERY)
        return write_signed(FeedRecord("delivery", signed, slot.message))

    def _key(self, use: KeyUse) -> SigningKey:
        return self.cast.hub_keys[use]


def _any_key(payload: bytes, key: SigningKey, payload_type: PayloadType) -> SignedBytes:
    """Signed by a key that must not sign this."""
    return SignedBytes(payload, key.key_id, key.sign(payload_type, payload))


def _subject_of(message: SignedBytes) -> SubjectId | None:
    try:
        return parse_attributes(message.payload)[0].subject
    except ContractsError:  # a message that is wrong on purpose
        found = message.payload.partition(b'"subject":"')[2].partition(b'"')[0]
        return SubjectId(found.decode()) if found else None
