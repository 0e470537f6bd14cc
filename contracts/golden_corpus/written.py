"""How a record stands in the corpus: exact bytes in base64, and beside them what a person reads.

Invariant: `value` and every header are the bytes on the wire; `readable` and `text` are for people and prove nothing.
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from contracts import strict_json
from contracts.golden_corpus.actors import PARTITIONS
from contracts.kafka_record import Headers, to_headers
from contracts.names import RecordKey
from contracts.partition import partition_of
from contracts.signed_bytes import SignedBytes

COUNTS: Final = (PARTITIONS, 64)
"""The embedded programme's partition count, and the default."""


def base64(value: bytes) -> str:
    """Standard base64 with padding."""
    return b64encode(value).decode()


def headers_of(headers: Headers) -> list[dict[str, str]]:
    """Headers in the order on the wire, with their text where they are text."""
    written = []
    for name, value in headers:
        readable = value.isascii() and value.decode("ascii").isprintable() and value != b""
        written.append({"name": name, "value": base64(value)} | ({"text": value.decode()} if readable else {}))
    return written


def record_of(
    signed: SignedBytes, key: RecordKey, *, headers: Sequence[tuple[str, bytes]] | None = None
) -> dict[str, object]:
    """One record of `hub.inbox`."""
    return {
        "key": key,
        "partition": {str(count): partition_of(key, count) for count in COUNTS},
        "headers": headers_of(to_headers(signed) if headers is None else headers),
        "value": base64(signed.payload),
        "digest": signed.digest.hex(),
    }


def readable(payload: bytes) -> dict[str, object]:
    """The document in bytes that are strict JSON."""
    return strict_json.parse(payload)
