"""What is written to Kafka, and where it then is; pure.

Invariant: `SentAt` is only made of an acknowledgement.
"""

from __future__ import annotations

from dataclasses import dataclass

_RECORD_OVERHEAD = 96  # batch header, lengths and varints of one record, generously


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """One record to write; the caller computes the partition."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def size(self) -> int:
        """Bytes on the wire, at most."""
        headers = sum(len(name) * 3 + len(value) + 10 for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers + _RECORD_OVERHEAD


@dataclass(frozen=True, slots=True)
class SentAt:
    """Where the broker stored a record: comparable with `InputPosition` of the same incarnation."""

    topic: str
    partition: int
    offset: int
    incarnation: str
