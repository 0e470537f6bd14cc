"""What of every row is needed once all rows were seen, in whatever order: a record of 49 bytes a position.

Invariants: records lie in one buffer, which several processes may share; no two rows of an honest log write the same record. From them alone follow
the ledger's root, the order of times, ids that came twice, and whether something was said too late.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import blake2b
from mmap import mmap
from struct import Struct
from typing import Final

from contracts.codes import RefusalCode
from contracts.ledger.frontier import Frontier
from contracts.names import MessageId, Source
from hub.audit.consequences import PATIENCE, Overdue
from hub.audit.findings import Finding, FindingCode

_RECORD: Final = Struct("<32sqQB")
_NO_TIME: Final = -(1 << 63)
_AT_ONCE: Final = 50_000
"""Ids that are compared at a time."""
_FOUR_BYTES: Final = 1 << 32
_HASHED: Final = 4096
Buffer = bytearray | mmap


class Kind(IntEnum):
    """What stands at a position."""

    ABSENT = 0
    ACCEPTED = 1
    REFUSED = 2
    REUSED = 3
    """Refused since its id was used before."""
    ELSEWHERE = 4
    """Refused as a message of another programme: its id is nobody's here."""
    UNREADABLE = 5


def kind_of(code: RefusalCode) -> Kind:
    """The kind of a refusal."""
    return {RefusalCode.ID_REUSED: Kind.REUSED, RefusalCode.WRONG_PROGRAMME: Kind.ELSEWHERE}.get(code, Kind.REFUSED)


@dataclass(frozen=True, slots=True)
class Columns:
    """The records of a log of `size` rows."""

    size: int
    buffer: Buffer
    slots: dict[int, int] | None = None
    """Of a part: which record a position has, since most positions have none; None: the record at its place."""

    @classmethod
    def in_memory(cls, size: int) -> "Columns":
        """For one process."""
        return cls(size, bytearray(cls.length(size)))

    @classmethod
    def of_part(cls, size: int) -> "Columns":
        """For one process, and few rows of many."""
        return cls(size, bytearray(), {})

    @staticmethod
    def length(size: int) -> int:
        """Bytes for so many rows."""
        return max(1, size) * _RECORD.size

    def unreadable(self, position: int, leaf: bytes) -> None:
        """A row that is no event."""
        if 0 <= position < self.size:
            _RECORD.pack_into(self.buffer, self._place(position), leaf, _NO_TIME, 0, Kind.UNREADABLE)

    def put(  # noqa: PLR0913 - one field after the other
        self, position: int, *, leaf: bytes, at: datetime, source: Source, message_id: MessageId, kind: Kind
    ) -> None:
        """A row. What lies beyond the log that is vouched for is left out."""
        if 0 <= position < self.size:
            short = int.from_bytes(blake2b(f"{source} {message_id}".encode(), digest_size=8).digest())
            _RECORD.pack_into(self.buffer, self._place(position), leaf, _micros(at), short, kind)

    def _place(self, position: int) -> int:
        if self.slots is None:
            return position * _RECORD.size
        slot = self.slots.setdefault(position, len(self.slots))
        if slot * _RECORD.size == len(self.buffer) and isinstance(self.buffer, bytearray):
            self.buffer.extend(bytes(_RECORD.size))
        return slot * _RECORD.size

    def present(self) -> Iterator[tuple[int, bytes]]:
        """The positions at which something stands, with the hash of the leaf."""
        for position, leaf, _, _, kind in self._records():
            if kind:
                yield position, leaf

    def gaps(self) -> Iterator[Finding]:
        """Where nothing stands: one finding a gap."""
        begin = None
        for position, _, _, _, kind in self._records():
            if kind and begin is not None:
                yield _gap(begin, position)
                begin = None
            elif not kind and begin is None:
                begin = position
        if begin is not None:
            yield _gap(begin, self.size)

    def root(self) -> bytes:
        """The root of the tree over all leaves."""
        tree, some = Frontier(), list[bytes]()
        for _, leaf, *_ in self._records():
            some.append(leaf)
            if len(some) == _HASHED:
                tree, some = tree.extended(some), []
        return tree.extended(some).root

    def times(self) -> Iterator[Finding]:
        """Events that are older than one before them."""
        last = _NO_TIME
        for position, _, at, _, kind in self._records():
            if not kind or at == _NO_TIME:
                continue
            if at < last:
                yield Finding(FindingCode.TIME_RAN_BACK, position, "older than the event before it")
            last = at

    def repeated(self, *, whole: bool) -> Iterator[Finding]:
        """Ids that were decided twice, and refusals as used before of what was not; of a part the latter cannot be known."""
        portions = [array("I" if self.size < _FOUR_BYTES else "Q") for _ in range(1 + self.size // _AT_ONCE)]
        for position, _, _, short, kind in self._records():
            if kind not in (Kind.ABSENT, Kind.UNREADABLE):
                portions[short % len(portions)].append(position)
        for portion in portions:
            seen: set[int] = set()
            for position in portion:
                *_, short, kind = _RECORD.unpack_from(self.buffer, self._place(position))
                yield from _repeated(position, Kind(kind), came=short in seen, whole=whole)
                seen.add(short)

    def late(self, silent: Iterable[Overdue]) -> Iterator[Finding]:
        """Timers that were silent for too long after the log first went on behind their moment; of each one finding."""
        suspected, told = sorted(silent, key=lambda one: one.position), set[MessageId]()
        if not suspected:
            return
        times = array("q", (at for _, _, at, _, kind in self._records() if kind and at != _NO_TIME))
        for one in suspected:
            place = bisect_left(times, _micros(one.due))
            if one.name not in told and place < len(times) and _micros(one.at) - times[place] > _PATIENCE:
                told.add(one.name)
                yield Finding(FindingCode.MISSING, one.position, f"{one.kind} was due and never said")

    def _records(self) -> Iterator[tuple[int, bytes, int, int, int]]:
        """Position, leaf, time, short id and kind, in the order of positions."""
        if self.slots is not None:
            for position in sorted(self.slots):
                yield position, *_RECORD.unpack_from(self.buffer, self.slots[position] * _RECORD.size)
            return
        with memoryview(self.buffer) as view:
            for position, found in enumerate(_RECORD.iter_unpack(view[: self.size * _RECORD.size])):
                yield position, *found


_PATIENCE: Final = PATIENCE // timedelta(microseconds=1)


def _repeated(position: int, kind: Kind, *, came: bool, whole: bool) -> Iterator[Finding]:
    if came and kind not in (Kind.REUSED, Kind.ELSEWHERE):
        yield Finding(FindingCode.REPEATED, position, "this message was decided before")
    if whole and not came and kind is Kind.REUSED:
        yield Finding(FindingCode.REPEATED, position, "refused as used before, and was not")


def _gap(begin: int, end: int) -> Finding:
    many = f"nothing stands at {begin}" if end == begin + 1 else f"nothing stands from {begin} to {end - 1}"
    return Finding(FindingCode.GAP, begin, many)


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)
