"""How the relay speaks on the feeds: receipts, deliveries and heads, signed one by one or under one tree.

Invariants: a receipt made again from the log says the same; one tree signature covers the deliveries and receipts of one relay transaction; the
unit's signed message stands beside its delivery unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.delivery import Delivery
from contracts.dsse import to_envelope
from contracts.feed_head import FeedHead, InboxMark
from contracts.feed_record import payload_of, write
from contracts.keys import SigningKey
from contracts.ledger.entry import leaf_of
from contracts.names import HUB, MessageId, ProgrammeId, Source, UnitId, unit_of
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.signed_bytes import MAX_BATCH, BatchProof, SignedBytes, sign_batch, sign_one
from contracts.strict_json import parse
from hub.application.ports import FeedState, Head, LogEntry
from hub.domain.events import MessageAccepted, MessageRefused, StoredMessage
from projections.kafka.positions import InputPosition

_KINDS: Final = {
    PayloadType.RECEIPT: "receipt",
    PayloadType.DELIVERY: "delivery",
    PayloadType.FEED_HEAD: "head",
    PayloadType.RELEASE: "release",
}


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A document for one unit's feed, before it is signed."""

    unit: UnitId
    payload_type: PayloadType
    payload: bytes
    message: StoredMessage | None = None


@dataclass(frozen=True, slots=True)
class FeedValue:
    """A record for one unit's feed; `envelope` is the hub's signed part alone."""

    unit: UnitId
    value: bytes
    envelope: bytes


class FeedVoice:
    """Makes and signs what goes onto feeds."""

    def __init__(self, programme: ProgrammeId, key: SigningKey) -> None:
        self._programme = programme
        self._key = key

    def receipt(self, entry: LogEntry, head: Head) -> Unsigned | None:
        """The receipt of the message that an event holds; None for the hub's own."""
        event = entry.event
        if isinstance(event, MessageRefused):
            unit, source, message_id, digest = unit_of(event.source), event.source, event.message_id, event.digest
        elif isinstance(event, MessageAccepted):
            source, message_id, digest = _named(event)
            unit = unit_of(source)
        else:
            return None
        if unit == HUB:
            return None
        refused = isinstance(event, MessageRefused)
        receipt = Receipt(
            programme=self._programme,
            source=source,
            id=message_id,
            digest=digest.hex(),
            verdict="refused" if refused else "accepted",
            code=event.code if isinstance(event, MessageRefused) else None,
            last_sequence=event.last_sequence or None if isinstance(event, MessageRefused) else None,
            shard=head.shard,
            generation=head.generation,
            position=entry.position,
            leaf=leaf_of(entry.position, entry.digest).hex() if entry.digest else None,
            recorded=event.at,
            trust_list=event.basis.trust_list,
        )
        return Unsigned(unit, PayloadType.RECEIPT, payload_of(receipt))

    def delivery(self, delivery: Delivery, message: StoredMessage | None) -> Unsigned:
        """One slot of a feed, with the message beside it unless it is withheld."""
        return Unsigned(delivery.recipient, PayloadType.DELIVERY, payload_of(delivery), message)

    def head(
        self, feed: FeedState, head: Head, marks: Sequence[InputPosition], *, at: datetime, trust_list: int
    ) -> Unsigned:
        """How far a feed goes, and how far the inbox was read when it went so far."""
        document = FeedHead(
            programme=self._programme,
            recipient=feed.unit,
            shard=head.shard,
            generation=head.generation,
            sequence=feed.sequence,
            link=feed.link.hex(),
            inbox=tuple(
                InboxMark(partition=one.partition, incarnation=one.incarnation, next_offset=one.next_offset)
                for one in sorted(marks, key=lambda one: one.partition)
            ),
            time=at,
            trust_list=trust_list,
        )
        return Unsigned(feed.unit, PayloadType.FEED_HEAD, payload_of(document))

    def sign(self, documents: Sequence[Unsigned]) -> list[FeedValue]:
        """Sign everything, in the order given: one by one while they are few, else under trees of up to 256."""
        signed: list[SignedBytes] = []
        for start in range(0, len(documents), MAX_BATCH):
            part = documents[start : start + MAX_BATCH]
            if len(part) == 1:
                signed.append(sign_one(part[0].payload, self._key, part[0].payload_type))
            else:
                signed += sign_batch([document.payload for document in part], self._key)
        return [_value(document, one) for document, one in zip(documents, signed, strict=True)]


def _named(event: MessageAccepted) -> tuple[Source, MessageId, bytes]:
    """Who said it, under which id, and the digest of the signed bytes."""
    if event.erased and event.outline is not None:
        return event.outline.source, event.outline.message_id, event.outline.digest
    document = parse(event.message.payload)  # it was validated whole when it was accepted
    return Source(str(document["source"])), MessageId(str(document["id"])), stored(event.message).digest


def stored(message: StoredMessage) -> SignedBytes:
    """The signed bytes as they came."""
    proof = message.proof
    return SignedBytes(
        payload=message.payload,
        key_id=message.key_id,
        signature=message.signature,
        proof=None if proof is None else BatchProof(proof.size, proof.index, proof.path),
    )


def _value(document: Unsigned, signed: SignedBytes) -> FeedValue:
    envelope = to_envelope(signed, document.payload_type)
    beside = None if document.message is None else to_envelope(stored(document.message), PayloadType.CLOUDEVENT)
    return FeedValue(document.unit, write(_KINDS[document.payload_type], envelope, beside), envelope)
