"""What the hub answers and delivers: receipts, a chain of three slots of which one is withheld, a head, and the records that carry them."""

from datetime import timedelta
from typing import Final

from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.delivery import Delivery, first_link, next_link
from contracts.feed_head import FeedHead, InboxMark
from contracts.feed_record import FeedRecord, payload_of, write_signed
from contracts.golden_corpus.actors import ADVICE, CONSENT, LABOUR, NOW, PROGRAMME, SUBJECT, key, message_id
from contracts.golden_corpus.examples import Example
from contracts.golden_corpus.messages import compose_example
from contracts.golden_corpus.written import base64, readable
from contracts.keys import KeyUse
from contracts.messages.session import SessionHeld
from contracts.names import HUB, source_of
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.signed_bytes import SignedBytes, sign_batch, sign_one

_POSITIONS: Final = (4, 6, 9)
_WITHHELD: Final = 1
"""The second slot: given before, and overtaken by a withdrawal when it was asked for again."""


def document() -> dict[str, object]:
    """`feed.json`."""
    messages = [_message(one) for one in range(len(_POSITIONS))]
    deliveries, link = _chain(messages)
    head = _head(link)
    names = {"programme": PROGRAMME, "recipient": LABOUR, "shard": 0, "generation": 1}
    records = [FeedRecord("receipt", one) for one in (*_receipts(messages), *_shared_tree(messages, deliveries)[:1])]
    records += [
        FeedRecord("delivery", _signed(slot), None if slot.verdict == "withheld" else message)
        for slot, message in zip(deliveries, messages, strict=True)
    ]
    records += [FeedRecord("delivery", _shared_tree(messages, deliveries)[1], messages[0]), FeedRecord("head", head)]
    return {
        "about": "The feed of one unit. Links are those of contracts/delivery.py; the last delivery repeats slot 1 under a tree that "
        "it shares with the receipt before it.",
        "chain": {**names, "first_link": _first().hex(), "links": [one.link for one in deliveries]},
        "records": [_written(one) for one in records],
    }


def _message(number: int) -> SignedBytes:
    held = SessionHeld(kind="debt", form="individual", minutes=30 + number)
    raw = compose_example(Example(held, None, Category.INCOME_DEBT), 0x300 + number, sequence=number + 1)
    return sign_one(raw, key(ADVICE), PayloadType.CLOUDEVENT)


def _receipts(messages: list[SignedBytes]) -> list[SignedBytes]:
    accepted, refused, conflict = messages
    documents = (
        _receipt(accepted, 0),
        _receipt(refused, 1, code=RefusalCode.NO_GROUND),
        _receipt(conflict, 2, code=RefusalCode.SEQUENCE_CONFLICT, last_sequence=7),
    )
    return [sign_one(payload_of(one), key(HUB, KeyUse.RECEIPTS), PayloadType.RECEIPT) for one in documents]


def _receipt(
    message: SignedBytes, number: int, *, code: RefusalCode | None = None, last_sequence: int | None = None
) -> Receipt:
    return Receipt(
        programme=PROGRAMME,
        source=source_of(PROGRAMME, ADVICE),
        id=message_id(0x300 + number),
        digest=message.digest.hex(),
        verdict="accepted" if code is None else "refused",
        code=code,
        last_sequence=last_sequence,
        shard=0,
        generation=1,
        position=_POSITIONS[number],
        recorded=NOW,
        trust_list=1,
    )


def _first() -> bytes:
    return first_link(programme=PROGRAMME, recipient=LABOUR, shard=0, generation=1)


def _chain(messages: list[SignedBytes]) -> tuple[list[Delivery], bytes]:
    link, slots = _first(), []
    for index, (message, position) in enumerate(zip(messages, _POSITIONS, strict=True)):
        link = next_link(link, recipient=LABOUR, sequence=index + 1, position=position, digest=message.digest)
        slots.append(_slot(message, index, position=position, link=link))
    return slots, link


def _slot(message: SignedBytes, index: int, *, position: int, link: bytes) -> Delivery:
    withheld = index == _WITHHELD
    return Delivery(
        programme=PROGRAMME,
        recipient=LABOUR,
        shard=0,
        generation=1,
        sequence=index + 1,
        link=link.hex(),
        position=position,
        ground_id=None if withheld else CONSENT,
        subject=SUBJECT,
        digest=message.digest.hex(),
        verdict="withheld" if withheld else "given",
    )


def _signed(slot: Delivery) -> SignedBytes:
    return sign_one(payload_of(slot), key(HUB, KeyUse.DELIVERIES), PayloadType.DELIVERY)


def _shared_tree(messages: list[SignedBytes], deliveries: list[Delivery]) -> list[SignedBytes]:
    """A receipt and a delivery of one relay transaction under one signature."""
    payloads = [payload_of(_receipt(messages[0], 0)), payload_of(deliveries[0])]
    return sign_batch(payloads, key(HUB, KeyUse.DELIVERIES))


def _head(link: bytes) -> SignedBytes:
    head = FeedHead(
        programme=PROGRAMME,
        recipient=LABOUR,
        shard=0,
        generation=1,
        sequence=len(_POSITIONS),
        link=link.hex(),
        inbox=(InboxMark(partition=0, incarnation="cluster-1", next_offset=12),),
        time=NOW + timedelta(minutes=1),
        trust_list=1,
    )
    return sign_one(payload_of(head), key(HUB, KeyUse.DELIVERIES), PayloadType.FEED_HEAD)


def _written(record: FeedRecord) -> dict[str, object]:
    return {
        "kind": record.kind,
        "value": base64(write_signed(record)),
        "readable": readable(record.signed.payload),
        "message_beside": record.message is not None,
    }
