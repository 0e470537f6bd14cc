"""What lies on a feed topic: a receipt, a head, a released key, or a delivery with the unit's signed message beside it, each as DSSE envelopes.

Invariants: the hub's part is verified with the hub's keys, the message beside it with its author's; a withheld slot has no message beside it.
A record is one JSON object: `{"receipt": <envelope>}`, `{"head": <envelope>}`, `{"release": <envelope>}`, or
`{"delivery": <envelope>, "message": <envelope>}`. A unit that
asked for its own messages back finds each beside its receipt: `{"receipt": <envelope>, "message": <envelope>}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from contracts import strict_json
from contracts.delivery import Delivery
from contracts.dsse import from_document, to_envelope
from contracts.errors import ContractsError
from contracts.feed_head import FeedHead
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.sealing.release import Release
from contracts.signed_bytes import SignedBytes

CONTENT_TYPE: Final = "application/vnd.spojka.feed+json"

_PARTS: Final = {
    "receipt": PayloadType.RECEIPT,
    "head": PayloadType.FEED_HEAD,
    "delivery": PayloadType.DELIVERY,
    "release": PayloadType.RELEASE,
}


class FeedRecordError(ContractsError):
    """A record on a feed that is none: kept apart, and the feed asked for again."""


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """The hub's signed part, and for a delivery that is given the author's signed message."""

    kind: str
    """`receipt`, `head`, `release` or `delivery`."""
    signed: SignedBytes
    message: SignedBytes | None = None

    @property
    def payload_type(self) -> PayloadType:
        """What the hub's part was signed as."""
        return _PARTS[self.kind]


def write(kind: str, envelope: bytes, message: bytes | None = None) -> bytes:
    """The value of a feed record, from DSSE envelopes as stored."""
    beside = b',"message":' + message if message is not None else b""
    return b'{"' + kind.encode() + b'":' + envelope + beside + b"}"


def write_signed(record: FeedRecord) -> bytes:
    """The value of a feed record."""
    message = None if record.message is None else to_envelope(record.message, PayloadType.CLOUDEVENT)
    return write(record.kind, to_envelope(record.signed, record.payload_type), message)


def read(value: bytes) -> FeedRecord:
    """A record from its value; signatures are not checked here. Raises `FeedRecordError`."""
    try:
        document = strict_json.parse(value)
        kind = _kind_of(document)
        signed = _envelope(document[kind], _PARTS[kind])
        beside = document.get("message")
        message = None if beside is None else _envelope(beside, PayloadType.CLOUDEVENT)
    except FeedRecordError:
        raise
    except ContractsError as error:
        raise FeedRecordError(error.problem, advice="Ask for the feed again.") from error
    return FeedRecord(kind, signed, message)


def _kind_of(document: Mapping[str, object]) -> str:
    kinds = [name for name in _PARTS if name in document]
    if len(kinds) != 1 or set(document) - {kinds[0], "message"}:
        raise FeedRecordError("neither receipt, head, release nor delivery", advice="Ask for the feed again.")
    return kinds[0]


def _envelope(document: object, expected: PayloadType) -> SignedBytes:
    signed, payload_type = from_document(document)
    if payload_type != expected:
        raise FeedRecordError(f"a {payload_type} where {expected} belongs", advice="Ask for the feed again.")
    return signed


_Document = TypeVar("_Document", Receipt, Delivery, FeedHead, Release)


def document(signed: SignedBytes, model: type[_Document]) -> _Document:
    """The hub's document from its verified bytes. Raises `FeedRecordError`."""
    try:
        return model.model_validate_json(signed.payload)
    except ValidationError as error:
        raise FeedRecordError(f"not a {model.__name__}", advice="Ask for the feed again.") from error


def payload_of(document: BaseModel) -> bytes:
    """The exact bytes of a hub document, ready to be signed."""
    return strict_json.canonical(document.model_dump(mode="json", exclude_none=True))
