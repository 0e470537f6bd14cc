"""Rows in PostgreSQL's binary COPY format, for the two tables that grow with every message.

Invariants: the layout follows PostgreSQL's documentation of COPY, "Binary Format": header, per row a field count and length-prefixed fields in
network order, trailer. Instants are microseconds since 2000-01-01 UTC. Packed here, not field by field in the driver: 1 µs a row instead of 6.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from struct import Struct
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from hub.application.ports import Indexed

_PARTS = 160  # 32 rows at a time: the server works on some while the next are made
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LOG_START = Struct("!h iq i16s ii i")  # field count, position, stream id, version, length of the topic
_LENGTH = Struct("!i")
_INSTANT = Struct("!iq")
_INDEX_START = Struct("!h i")
_INDEX_END = Struct("!i16s i32s iq")  # message id, digest, position


def log_rows(stored: Iterable[StoredEvent], *, position: int, at: datetime) -> Iterator[bytes]:
    """Rows (position, stream_id, stream_version, topic, state, at), numbered from `position`, some at a time."""
    start, length = _LOG_START.pack, _LENGTH.pack
    end = _INSTANT.pack(8, (at - _EPOCH) // _MICROSECOND)
    parts = [_HEADER]
    for number, event in enumerate(stored, position):
        topic, state, stream = event.topic.encode(), event.state, event.originator_id
        stream_id = stream.bytes if isinstance(stream, UUID) else UUID(stream).bytes
        parts += (
            start(6, 8, number, 16, stream_id, 4, event.originator_version, len(topic)),
            topic,
            length(len(state)),
            state,
            end,
        )
        if len(parts) > _PARTS:
            yield b"".join(parts)
            parts = []
    parts.append(_TRAILER)
    yield b"".join(parts)


def index_rows(indexed: Iterable[Indexed]) -> bytes:
    """Rows (source, message_id, digest, position). Raises `ValueError` unless ids are UUIDs and digests 32 bytes."""
    start, end = _INDEX_START.pack, _INDEX_END.pack
    parts = [_HEADER]
    for row in indexed:
        source, digest = row.source.encode(), row.digest
        if len(digest) != 32:  # noqa: PLR2004 - SHA-256; pack would cut or pad in silence
            raise ValueError(f"the digest of {row.message_id} is {len(digest)} bytes long, not 32")
        message_id = bytes.fromhex(row.message_id.replace("-", ""))
        if len(message_id) != 16:  # noqa: PLR2004 - a UUID
            raise ValueError(f"{row.message_id!r} is not a UUID")
        parts += (start(4, len(source)), source, end(16, message_id, 32, digest, 8, row.position))
    parts.append(_TRAILER)
    return b"".join(parts)
