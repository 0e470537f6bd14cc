"""Decompression that stops at a limit, put in the place of aiokafka's own, which has none.

300 MiB of zeros arrive as 10 KiB of zstd. Real Kafka refuses such a batch, since our topics are `uncompressed` and the
broker recompresses; the embedded broker does not look inside. Invariant: one batch never unpacks to more than `LIMIT`
bytes here; what is larger raises `UnpackError`, and the reader hands the packed bytes on as one odd record.

aiokafka offers no hook, so the four functions that its record parsers call are replaced, for the whole process, by
`install`; a test watches that the parsers still call them by these names.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import aiokafka.record._crecords.default_records as compiled
import aiokafka.record._crecords.legacy_records as compiled_legacy
import aiokafka.record.default_records as interpreted
import aiokafka.record.legacy_records as interpreted_legacy
import cramjam

from projections.kafka.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 16 * 1024 * 1024
"""Bytes that one batch may unpack to: eight times the largest dead letter that is kept."""

_FIRST_GUESS = 64 * 1024
_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16


class UnpackError(TransportError):
    """A compressed batch is damaged, or unpacks to more than the limit."""

    def __init__(self, *, codec: str, packed: int) -> None:
        super().__init__(
            f"A {codec} batch of {packed} bytes is damaged or unpacks to more than {LIMIT}. It is kept packed, as one "
            "odd record; ask its sender for smaller batches. On real Kafka set compression.type=uncompressed."
        )
        self.codec = codec
        self.packed = packed


def gzip_decode(payload: bytes | memoryview) -> bytes:
    """Unpack gzip, at most `LIMIT` bytes."""
    try:
        out = zlib.decompressobj(wbits=31).decompress(payload, LIMIT + 1)
    except zlib.error as error:
        raise UnpackError(codec="gzip", packed=len(payload)) from error
    if len(out) > LIMIT:
        raise UnpackError(codec="gzip", packed=len(payload))
    return out


def zstd_decode(payload: bytes) -> bytes:
    """Unpack zstd, at most `LIMIT` bytes."""
    return _growing("zstd", payload, cramjam.zstd.decompress_into)


def lz4_decode(payload: bytes) -> bytes:
    """Unpack an lz4 frame, at most `LIMIT` bytes."""
    return _growing("lz4", payload, cramjam.lz4.decompress_into)


def snappy_decode(payload: bytes) -> bytes:
    """Unpack snappy, raw or in xerial's blocks (as Java clients write it), at most `LIMIT` bytes."""
    if payload[: len(_XERIAL_MAGIC)] != _XERIAL_MAGIC:
        return _snappy_block(payload, LIMIT)
    out = bytearray()
    at = _XERIAL_HEADER
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 4], "big")
        out += _snappy_block(payload[at + 4 : at + 4 + size], LIMIT - len(out))
        at += 4 + size
    return bytes(out)


def install() -> None:
    """Let aiokafka's record parsers use the bounded functions; calling it again changes nothing."""
    for parser in (compiled, interpreted):
        parser.gzip_decode = gzip_decode
        parser.snappy_decode = snappy_decode
        parser.lz4_decode = lz4_decode
        parser.zstd_decode = zstd_decode
    for old in (compiled_legacy, interpreted_legacy):  # message formats before 2017, which knew no zstd
        old.gzip_decode = gzip_decode
        old.snappy_decode = snappy_decode
        old.lz4_decode = lz4_decode


def _growing(codec: str, packed: bytes, decompress_into: Callable[[bytes, bytearray], int]) -> bytes:
    """Unpack into a buffer that is enlarged until the content fits."""
    size = max(_FIRST_GUESS, 4 * len(packed))
    while True:
        room = bytearray(min(size, LIMIT))
        try:
            return bytes(memoryview(room)[: decompress_into(packed, room)])
        except cramjam.DecompressionError as error:  # one type for "does not fit" and "damaged"
            if size >= LIMIT:
                raise UnpackError(codec=codec, packed=len(packed)) from error
        size *= 4


def _snappy_block(packed: bytes, room: int) -> bytes:
    """Unpack one raw block; its length stands in front."""
    try:
        if cramjam.snappy.decompress_raw_len(packed) <= room:
            return bytes(cramjam.snappy.decompress_raw(packed))
    except cramjam.DecompressionError as error:
        raise UnpackError(codec="snappy", packed=len(packed)) from error
    raise UnpackError(codec="snappy", packed=len(packed))
