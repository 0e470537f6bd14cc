"""A signed payload as a Kafka record: value and headers, both ways.

Invariants: the value is the exact signed bytes (CloudEvents 1.0 Kafka binding, structured mode); `from_record`
verifies no signature, but what it returns has the form that a verifier needs, and what it refuses names one coded
fault and belongs to the dead letters. A header that appears twice is refused, whatever its name; headers of others
(tracing) are tolerated and dropped; `dsse-` and `spojka-` are ours, so an unknown one is refused rather than ignored.

| header | value |
|---|---|
| `content-type` | `application/cloudevents+json`, or the payload type of a feed record |
| `dsse-keyid` | key id, ASCII |
| `dsse-sig` | the 64-byte signature as standard base64, ASCII |
| `spojka-batch` | of a batch: u64be size ‖ u64be index, 16 raw bytes |
| `spojka-proof` | of a batch: the 32-byte hashes of the inclusion path joined, raw, leaf side first; empty in a batch
of one | | `spojka-key` | of a deposit: the sealed key, read by the key service only | | `traceparent` | W3C trace
context, outside the signature |
"""

from base64 import b64encode
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from struct import Struct, pack, unpack
from typing import Final

from contracts.dsse import decode_base64
from contracts.errors import ContractsError
from contracts.keys import SIGNATURE_LENGTH, KeyIdError, parse_key_id
from contracts.merkle import HASH_LENGTH
from contracts.names import KeyId
from contracts.pae import PayloadType
from contracts.signed_bytes import MAX_BATCH, BatchProof, SignedBytes

Headers = Sequence[tuple[str, bytes]]

MAX_VALUE: Final = 256 * 1024
"""The largest message, in bytes."""

CONTENT_TYPE: Final = "content-type"
KEY_ID: Final = "dsse-keyid"
SIGNATURE: Final = "dsse-sig"
BATCH: Final = "spojka-batch"
PROOF: Final = "spojka-proof"
SEALED_KEY: Final = "spojka-key"
TRACE_PARENT: Final = "traceparent"

_KNOWN: Final = frozenset({CONTENT_TYPE, KEY_ID, SIGNATURE, BATCH, PROOF, SEALED_KEY, TRACE_PARENT})
_MAX_PATH: Final = (MAX_BATCH - 1).bit_length()
_PATHS: Final = [Struct(f"{HASH_LENGTH}s" * length) for length in range(_MAX_PATH + 1)]


class RecordFault(StrEnum):
    """Why a record does not even carry signed bytes."""

    NULL_VALUE = "null-value"
    TOO_LARGE = "too-large"
    DUPLICATE_HEADER = "duplicate-header"
    UNKNOWN_HEADER = "unknown-header"
    NOT_STRUCTURED_CLOUDEVENT = "not-structured-cloudevent"
    OTHER_CONTENT_TYPE = "other-content-type"
    MISSING_SIGNATURE = "missing-signature"
    BAD_HEADER = "bad-header"


_ADVICE: Final[dict[RecordFault, str]] = {
    RecordFault.NULL_VALUE: "a null value is a tombstone and deletes nothing here: send the message itself",
    RecordFault.TOO_LARGE: f"keep a message within {MAX_VALUE} bytes; send a reference instead of a scan",
    RecordFault.DUPLICATE_HEADER: "send each header once",
    RecordFault.UNKNOWN_HEADER: "names that start with dsse- or spojka- are reserved",
    RecordFault.NOT_STRUCTURED_CLOUDEVENT: f"send structured mode with content-type: {PayloadType.CLOUDEVENT}",
    RecordFault.OTHER_CONTENT_TYPE: "this topic carries another kind of record",
    RecordFault.MISSING_SIGNATURE: f"send both {KEY_ID} and {SIGNATURE}: every message is signed",
    RecordFault.BAD_HEADER: "write the header as the published contract describes",
}


class RecordError(ContractsError):
    """A Kafka record that cannot carry signed bytes; `header` names the culprit where there is one."""

    def __init__(self, reason: RecordFault, *, header: str | None = None) -> None:
        place = "" if header is None else f" in {header}"
        super().__init__(f"unreadable record ({reason}{place})", advice=_ADVICE[reason])
        self.reason = reason
        self.header = header


def to_headers(
    signed: SignedBytes,
    content_type: str = PayloadType.CLOUDEVENT,
    *,
    traceparent: str | None = None,
    deposit: bytes | None = None,
) -> list[tuple[str, bytes]]:
    """The headers under which `signed.payload` travels as the record's value; `deposit` is a content key on its way to the key service."""
    headers = [
        (CONTENT_TYPE, content_type.encode()),
        (KEY_ID, signed.key_id.encode()),
        (SIGNATURE, b64encode(signed.signature)),
    ]
    if signed.proof is not None:
        headers.append((BATCH, pack(">QQ", signed.proof.size, signed.proof.index)))
        headers.append((PROOF, b"".join(signed.proof.path)))
    if deposit is not None:
        headers.append((SEALED_KEY, deposit))
    if traceparent is not None:
        headers.append((TRACE_PARENT, traceparent.encode()))
    return headers


def from_record(value: bytes | None, headers: Headers, content_type: str = PayloadType.CLOUDEVENT) -> SignedBytes:
    """The signed bytes of a record that must carry `content_type`. Raises `RecordError`; checks no signature."""
    if value is None:
        raise RecordError(RecordFault.NULL_VALUE)
    if len(value) > MAX_VALUE:
        raise RecordError(RecordFault.TOO_LARGE)
    by_name = _once(headers)
    if _media_type(by_name.get(CONTENT_TYPE)) != content_type:
        structured = content_type == PayloadType.CLOUDEVENT
        raise RecordError(RecordFault.NOT_STRUCTURED_CLOUDEVENT if structured else RecordFault.OTHER_CONTENT_TYPE)
    if not (by_name.get(KEY_ID) and by_name.get(SIGNATURE)):
        raise RecordError(RecordFault.MISSING_SIGNATURE)
    return SignedBytes(value, _key_id(by_name[KEY_ID]), _signature(by_name[SIGNATURE]), _proof(by_name))


def content_type_of(headers: Headers) -> str | None:
    """The media type of a record in lower case, without parameters: what kind of payload it says to carry.

    None when the header is missing or unreadable. A charset other than UTF-8 makes it unreadable, since JSON is UTF-8
    (RFC 8259 §8.1).
    """
    for name, value in headers:
        if name == CONTENT_TYPE:
            return _media_type(value)
    return None


def batch_signed(headers: Headers) -> bool:
    """Whether a record says that its signature is shared by a batch."""
    return any(name == BATCH for name, _ in headers)


@lru_cache(maxsize=256)
def _media_type(value: bytes | None) -> str | None:
    try:
        media_type, _, parameters = (value or b"").decode("ascii").lower().partition(";")
    except UnicodeDecodeError:
        return None
    charset = parameters.replace(" ", "").replace('"', "")
    return media_type.strip() if charset in {"", "charset=utf-8"} else None


def _once(headers: Headers) -> dict[str, bytes]:
    by_name: dict[str, bytes] = {}
    for name, value in headers:
        if name in by_name:
            raise RecordError(RecordFault.DUPLICATE_HEADER)
        if name not in _KNOWN and name.lower().startswith(("dsse-", "spojka-")):
            raise RecordError(RecordFault.UNKNOWN_HEADER)
        by_name[name] = value
    return by_name


def _key_id(value: bytes) -> KeyId:
    try:
        text = value.decode("ascii")
        parse_key_id(text)
    except (UnicodeDecodeError, KeyIdError) as error:
        raise RecordError(RecordFault.BAD_HEADER, header=KEY_ID) from error
    return KeyId(text)


@lru_cache(maxsize=64)  # all messages of a batch bear the same
def _signature(value: bytes) -> bytes:
    try:
        signature = decode_base64(value)
    except ValueError as error:
        raise RecordError(RecordFault.BAD_HEADER, header=SIGNATURE) from error
    if len(signature) != SIGNATURE_LENGTH:
        raise RecordError(RecordFault.BAD_HEADER, header=SIGNATURE)
    return signature


def _proof(by_name: dict[str, bytes]) -> BatchProof | None:
    if BATCH not in by_name and PROOF not in by_name:
        return None
    batch, joined = by_name.get(BATCH), by_name.get(PROOF)  # null, as some clients send it, is not absent
    if batch is None or len(batch) != 16:  # noqa: PLR2004  two u64be
        raise RecordError(RecordFault.BAD_HEADER, header=BATCH)
    if joined is None or len(joined) % HASH_LENGTH or len(joined) > _MAX_PATH * HASH_LENGTH:
        raise RecordError(RecordFault.BAD_HEADER, header=PROOF)
    size, index = unpack(">QQ", batch)
    if not 0 <= index < size <= MAX_BATCH:
        raise RecordError(RecordFault.BAD_HEADER, header=BATCH)
    return BatchProof(size, index, _PATHS[len(joined) // HASH_LENGTH].unpack(joined))
