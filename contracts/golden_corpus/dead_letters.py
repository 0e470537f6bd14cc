"""Records that speak for nobody, each with the reason under which the hub keeps it; none is ever answered.

Invariant: each differs from a good record by the one thing that its note names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from contracts.categories import Category
from contracts.codes import DeadLetterReason as Reason
from contracts.golden_corpus.actors import ADVICE, LABOUR, PARTITIONS, STRANGER, TRAINING, key
from contracts.golden_corpus.examples import Example
from contracts.golden_corpus.messages import compose_example
from contracts.golden_corpus.written import base64, headers_of, readable
from contracts.kafka_record import BATCH, CONTENT_TYPE, MAX_VALUE, PROOF, SIGNATURE, to_headers
from contracts.messages.session import SessionHeld
from contracts.names import UnitId
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.signed_bytes import SignedBytes, sign_batch, sign_one

Header = tuple[str, bytes]


def _payload(author: UnitId = ADVICE, *, number: int = 0x400) -> bytes:
    held = SessionHeld(kind="debt", form="individual", minutes=30)
    return compose_example(Example(held, None, Category.INCOME_DEBT, author=author), number)


GOOD: Final = sign_one(_payload(), key(ADVICE), PayloadType.CLOUDEVENT)
_KEY: Final = str(readable(GOOD.payload)["subject"]).encode()


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """One record as Kafka would give it, and what becomes of it."""

    reason: Reason
    note: str
    value: bytes | None
    headers: tuple[Header, ...]
    key: bytes = _KEY
    partition: int = partition_of(_KEY, PARTITIONS)
    trust_list: int = 1


def dead_records() -> Iterator[DeadRecord]:
    """All of them."""
    yield from _records()
    yield from _envelopes()
    yield from _signatures()
    yield from _places()


def document() -> dict[str, object]:
    """`dead-letters.json`."""
    return {
        "about": "The hub keeps each of these under its reason and answers none. `too-large` gives a byte and how often it stands.",
        "records": [_written(one) for one in dead_records()],
    }


def _headers(signed: SignedBytes = GOOD) -> tuple[Header, ...]:
    return tuple(to_headers(signed))


def _with(name: str, value: bytes | None, headers: tuple[Header, ...] | None = None) -> tuple[Header, ...]:
    """The good headers with another value under a name, or without it."""
    kept = tuple(one for one in (_headers() if headers is None else headers) if one[0] != name)
    return kept if value is None else (*kept, (name, value))


def _signed(payload: bytes, author: UnitId = ADVICE) -> SignedBytes:
    return sign_one(payload, key(author), PayloadType.CLOUDEVENT)


def _record(reason: Reason, note: str, signed: SignedBytes) -> DeadRecord:
    return DeadRecord(reason, note, signed.payload, _headers(signed))


def _records() -> Iterator[DeadRecord]:
    good = GOOD.payload
    yield DeadRecord(Reason.NULL_VALUE, "a tombstone", None, _headers())
    yield DeadRecord(Reason.TOO_LARGE, "one byte more than 256 KiB", b" " * (MAX_VALUE + 1), _headers())
    plain = _with(CONTENT_TYPE, b"application/json")
    yield DeadRecord(Reason.NOT_AN_ENVELOPE, "another content type", good, plain)
    latin = _with(CONTENT_TYPE, b"application/cloudevents+json; charset=iso-8859-2")
    yield DeadRecord(Reason.NOT_AN_ENVELOPE, "another charset", good, latin)
    yield DeadRecord(Reason.MISSING_SIGNATURE, "no dsse-sig", good, _with(SIGNATURE, None))
    yield DeadRecord(Reason.DUPLICATE_HEADER, "dsse-sig twice", good, (*_headers(), _headers()[2]))
    yield DeadRecord(Reason.UNKNOWN_HEADER, "a reserved name", good, (*_headers(), ("spojka-extra", b"1")))
    yield DeadRecord(Reason.BAD_HEADER, "dsse-sig is no base64", good, _with(SIGNATURE, b"%"))
    yield DeadRecord(
        Reason.BAD_HEADER, "index outside the batch", good, (*_headers(), (BATCH, b"\0" * 16), (PROOF, b""))
    )


def _envelopes() -> Iterator[DeadRecord]:
    good = GOOD.payload
    faults = {
        "cut short": good[:-1],
        "a member twice": good.replace(b'{"specversion"', b'{"id":"x","specversion"', 1),
        "a byte order mark": b"\xef\xbb\xbf" + good,
        "bytes behind the object": good + b"{}",
        "an unknown attribute": good.replace(b'{"specversion"', b'{"extra":"x","specversion"', 1),
        "no sequence": good.replace(b'"sequence":1,', b"", 1),
        "two programmes": good.replace(b'"programme":"corpus"', b'"programme":"other"', 1),
        "null": good.replace(b'"minutes":30', b'"minutes":null', 1),
        "a local time": good.replace(b"+00:00", b"", 1),
        "an upper-case id": good.replace(b"01953a10", b"01953A10", 1),
        "an empty attribute": good.replace(b'"specversion"', b'"actor":"","specversion"', 1),
        "an inexact integer": good.replace(b'"sequence":1', b'"sequence":9007199254740993', 1),
    }
    for note, payload in faults.items():
        yield _record(Reason.INVALID_ENVELOPE, note, _signed(payload))


def _signatures() -> Iterator[DeadRecord]:
    stranger = compose_example(Example(SessionHeld(kind="debt", form="phone"), None, Category.INCOME_DEBT), 0x401)
    yield _record(Reason.UNKNOWN_KEY, "a key that no list names", _signed(stranger, STRANGER))
    revoked = _record(Reason.REVOKED_KEY, "revoked in version 2", _signed(_payload(TRAINING), TRAINING))
    yield replace(revoked, trust_list=2)
    other = GOOD.payload.replace(b'"minutes":30', b'"minutes":31', 1)
    yield DeadRecord(Reason.BAD_SIGNATURE, "one digit of the value changed", other, _headers())
    payloads = [_payload(number=0x410 + one) for one in range(3)]
    first, second, _third = sign_batch(payloads, key(ADVICE))
    moved = SignedBytes(first.payload, second.key_id, second.signature, second.proof)
    yield _record(Reason.BAD_SIGNATURE, "another leaf's inclusion proof", moved)
    as_batch = key(ADVICE).sign(PayloadType.RECEIPT, GOOD.payload)
    other_type = SignedBytes(GOOD.payload, GOOD.key_id, as_batch)
    yield _record(Reason.BAD_SIGNATURE, "signed as another payload type", other_type)
    yield _record(Reason.SOURCE_NOT_OWNER, "another unit's source", _signed(_payload(LABOUR), ADVICE))


def _places() -> Iterator[DeadRecord]:
    good = _record(Reason.WRONG_KEY, "another subject's key", GOOD)
    other = b"r1." + b"b" * 26
    yield replace(good, key=other, partition=partition_of(other, PARTITIONS))
    yield replace(
        good,
        reason=Reason.WRONG_PARTITION,
        note="on another partition than its key's",
        partition=(good.partition + 1) % PARTITIONS,
    )


def _written(record: DeadRecord) -> dict[str, object]:
    large = record.reason is Reason.TOO_LARGE and record.value is not None
    repeated = {"byte": base64(record.value[:1]), "times": len(record.value)} if large and record.value else None
    value = None if record.value is None else base64(record.value)
    return {
        "reason": record.reason,
        "note": record.note,
        "trust_list": record.trust_list,
        "key": record.key.decode(),
        "partition": record.partition,
        "headers": headers_of(record.headers),
        "value": repeated or value,
    }
