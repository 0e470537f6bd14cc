"""Fresh ids and subjects: UUID version 7 (RFC 9562 section 5.7), random subjects."""

import secrets
from datetime import datetime
from typing import Final
from uuid import UUID
from zlib import crc32

from contracts.names import MessageId, SubjectId
from contracts.partition import murmur2, partition_of

_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_LETTERS: Final = 26
_TELLING: Final = 3
"""Fewer partitions than this tell no partitioner from another for certain."""


def fresh_id(at: datetime) -> MessageId:
    """An id made at `at`."""
    low = (7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return MessageId(str(UUID(int=(int(at.timestamp() * 1000) << 80) | low)))


def fresh_subject() -> SubjectId:
    """A random pseudonym."""
    return SubjectId("r1." + "".join(secrets.choice(_BASE32) for _ in range(_LETTERS)))


def telling_subject(partitions: int) -> SubjectId:
    """A random pseudonym that other partitioners put elsewhere: librdkafka's default (CRC32), and murmur2 made positive by its absolute value."""
    while True:
        subject = fresh_subject()
        right = partition_of(subject, partitions)
        hashed = murmur2(subject.encode())
        signed = hashed - (1 << 32) if hashed >> 31 else hashed
        if right not in {crc32(subject.encode()) % partitions, abs(signed) % partitions} or partitions < _TELLING:
            return subject
