"""Where a reader stands in a partition, and where it goes on; pure.

Invariants: `next_offset` is the offset behind the last record read. A stored position is trusted only if the broker
still has, one before it, the record that was read there; otherwise everything the broker has is read again, since
receivers drop repetitions and nobody can bring back a skipped record. Offsets never reject a record.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

_ABSENT = b"\xff\xff\xff\xff"


def _sized(data: bytes | None) -> bytes:
    """Length-prefixed, so that no two (key, value, headers) share one encoding; None differs from empty."""
    return _ABSENT if data is None else len(data).to_bytes(4, "big") + data


class RawRecord(NamedTuple):
    """One record as the broker gave it; nothing in it is checked. A null header value reads as empty.

    A named tuple, since every record that is read becomes one.
    """

    topic: str
    partition: int
    offset: int
    incarnation: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 over key, value and headers: ask only for the last record of a partition."""
        headers = b"".join(_sized(name.encode("utf-8", "surrogateescape")) + _sized(v) for name, v in self.headers)
        return hashlib.sha256(_sized(self.key) + _sized(self.value) + headers).digest()


@dataclass(frozen=True, slots=True)
class InputPosition:
    """How far one partition was read.

    `fingerprint` is that of the record at `next_offset - 1`, or empty when none was read in this incarnation.
    """

    topic: str
    partition: int
    next_offset: int
    incarnation: str
    fingerprint: bytes

    @classmethod
    def behind(cls, record: RawRecord) -> InputPosition:
        """The position of a reader that has just handled `record`."""
        return cls(record.topic, record.partition, record.offset + 1, record.incarnation, record.fingerprint)


@dataclass(frozen=True, slots=True)
class Resume:
    """Where to go on: `lost` tells that the broker no longer has what was read, or dropped what was not."""

    offset: int
    incarnation: str
    lost: bool


def resume(
    stored: InputPosition | None, *, begin: int, end: int, before_next: RawRecord | None, cluster_id: str
) -> Resume:
    """Decide from which offset a partition is read.

    `begin` and `end` are the broker's first and next offset; `before_next` is what it has at `next_offset - 1`.
    A position of another cluster is never trusted: senders repeat the same bytes, so a refilled broker can
    well hold the same record at the same place behind others that were never read.
    """
    if stored is None or stored.next_offset == 0:
        return Resume(begin, cluster_id, lost=False)
    if stored.incarnation != cluster_id:
        return Resume(begin, cluster_id, lost=True)
    if stored.next_offset == begin <= end:
        return Resume(begin, cluster_id, lost=False)  # all that was read has been trimmed: nothing left to compare
    if begin < stored.next_offset <= end and before_next is not None:
        same = bool(stored.fingerprint) and before_next.fingerprint == stored.fingerprint
        if same and before_next.offset == stored.next_offset - 1:
            return Resume(stored.next_offset, cluster_id, lost=False)
    return Resume(begin, cluster_id, lost=True)
