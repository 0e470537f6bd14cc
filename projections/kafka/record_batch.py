"""Records out of the bytes of a fetch answer, whatever they hold.

aiokafka's parsers are used where they can read the bytes. Where they fail (a header name that is not UTF-8, a bomb, a
wrong length) the batch is read again here, record by record; what nobody can read comes out as one record that holds
the raw bytes and the header `UNREADABLE`, so that it is kept and explained and reading goes on behind it.
Layout: Kafka protocol, record batch, magic 2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

from projections.kafka.bounded_codecs import UnpackError, gzip_decode, lz4_decode, snappy_decode, zstd_decode
from projections.kafka.positions import RawRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNREADABLE = "spojka-unreadable"
"""Header of a record that stands for bytes nobody could parse; its value says why, the record's value is the bytes."""

_HEADER = struct.Struct(">qiibIhiqqqhii")  # base offset, length, epoch, magic, crc, attributes, last offset delta, …
_LOG_OVERHEAD = 12
_MAGIC_AT = 16
_MAGIC = 2
_CODEC_MASK = 0x07
_CONTROL_MASK = 0x20
_UNPACK: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: gzip_decode,
    2: snappy_decode,
    3: lz4_decode,
    4: zstd_decode,
}


@dataclass(frozen=True, slots=True)
class Source:
    """What all records of one answer have in common."""

    topic: str
    partition: int
    incarnation: str


def record_of(consumed: Any, incarnation: str) -> RawRecord:  # noqa: ANN401  # aiokafka is untyped
    """An aiokafka record as ours."""
    headers = consumed.headers
    for _, value in headers:
        if value is None:
            headers = [(name, value or b"") for name, value in headers]
            break
    return RawRecord(
        consumed.topic,
        consumed.partition,
        consumed.offset,
        incarnation,
        consumed.key,
        consumed.value,
        tuple(headers),
        consumed.timestamp,
    )


def records_in(answer: bytes, source: Source, *, from_offset: int) -> Iterator[RawRecord]:
    """Every record at or behind `from_offset` in the bytes of a fetch answer, in order; a cut-off end is left out."""
    at = 0
    while at + _LOG_OVERHEAD <= len(answer):
        end = at + _LOG_OVERHEAD + max(0, int.from_bytes(answer[at + 8 : at + _LOG_OVERHEAD], "big", signed=True))
        if end > len(answer):
            return
        batch = answer[at:end]
        try:
            records = _parsed(batch, source)
        except Exception as error:  # noqa: BLE001  # parsers fail in many ways on hostile bytes
            records = _salvaged(batch, source, reason=repr(error))
        yield from (record for record in records if record.offset >= from_offset)
        at = end


def _parsed(batch: bytes, source: Source) -> list[RawRecord]:
    """The records of one batch by aiokafka's parser; raises whatever it raises on damage."""
    found = MemoryRecords(batch).next_batch()
    if found is None or not found.validate_crc():
        raise ValueError("checksum")
    if found.is_control_batch:
        return []
    return [
        RawRecord(
            source.topic,
            source.partition,
            record.offset,
            source.incarnation,
            record.key,
            record.value,
            tuple((name, value or b"") for name, value in record.headers),
            record.timestamp or 0,
        )
        for record in found
    ]


def _salvaged(batch: bytes, source: Source, *, reason: str) -> list[RawRecord]:
    """The records of a batch that the parser refused, one by one; if that cannot be, the batch as one record."""
    if len(batch) < _HEADER.size or batch[_MAGIC_AT] != _MAGIC:
        return [_unreadable(batch, source, offset=int.from_bytes(batch[:8], "big"), reason=reason, time=0)]
    base, _, _, _, _, attributes, last, first_time, _, _, _, _, count = _HEADER.unpack_from(batch)
    try:
        body = _UNPACK[attributes & _CODEC_MASK](batch[_HEADER.size :])
    except (UnpackError, KeyError) as error:
        body, reason = b"", str(error)
    pieces = _pieces(body, count) if not attributes & _CONTROL_MASK else []
    records = [_piece(piece, source, offset=base + n, base=base, time=first_time) for n, piece in enumerate(pieces)]
    return records or [_unreadable(batch, source, offset=base + max(last, 0), reason=reason, time=first_time)]


def _pieces(body: bytes, count: int) -> list[bytes]:
    """The bytes of up to `count` records, each behind its length."""
    pieces: list[bytes] = []
    at = 0
    while at < len(body) and len(pieces) < count:
        try:
            length, start = decode_varint(body, at)
        except (IndexError, ValueError):
            break
        at = start + max(length, 0)
        pieces.append(body[start:at])
    return pieces


def _piece(piece: bytes, source: Source, *, offset: int, base: int, time: int) -> RawRecord:
    """One record, or the one that stands for its bytes."""
    try:
        return _record(piece, source, base=base, first_time=time)
    except (IndexError, ValueError) as error:
        return _unreadable(piece, source, offset=offset, reason=repr(error), time=time)


def _record(body: bytes, source: Source, *, base: int, first_time: int) -> RawRecord:
    """One record of magic 2; header names that are not UTF-8 keep their bytes as surrogates."""
    _, at = decode_varint(body, 0)  # attributes, unused by Kafka
    time_delta, at = decode_varint(body, at)
    offset_delta, at = decode_varint(body, at)
    key, at = _field(body, at)
    value, at = _field(body, at)
    count, at = decode_varint(body, at)
    headers = []
    for _ in range(count):
        name, at = _field(body, at)
        content, at = _field(body, at)
        headers.append(((name or b"").decode("utf-8", "surrogateescape"), content or b""))
    offset = base + offset_delta
    place = (source.topic, source.partition, offset, source.incarnation)
    return RawRecord(*place, key, value, tuple(headers), first_time + time_delta)


def _field(body: bytes, at: int) -> tuple[bytes | None, int]:
    """A length-prefixed field; -1 is null."""
    size, at = decode_varint(body, at)
    if size < 0:
        return None, at
    if at + size > len(body):
        raise ValueError("a field is longer than its record")
    return body[at : at + size], at + size


def _unreadable(raw: bytes, source: Source, *, offset: int, reason: str, time: int) -> RawRecord:
    """Bytes that nobody can read, as one record."""
    why = ((UNREADABLE, reason[:200].encode("utf-8", "replace")),)
    return RawRecord(source.topic, source.partition, offset, source.incarnation, None, raw, why, time)
