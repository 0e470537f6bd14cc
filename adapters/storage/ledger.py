"""What a unit has seen of the hub's ledger.

Invariants: the last checkpoint only moves on to one that was proven to follow from it; leaf hashes are kept as long as a message of this unit may
still need them for its proof; what proofs rest on is kept for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, select

from adapters.storage.ledger_tables import (
    ENTRY_PROOF,
    LEDGER_HEAD,
    LEDGER_ROOT,
    LEDGER_STRETCH,
    LEDGER_WITNESSED,
)
from adapters.storage.outbox import OutboxState
from adapters.storage.tables import OUTBOX
from adapters.storage.upsert import upsert
from contracts.ledger import checkpoint, signed_note
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.frontier import Frontier
from contracts.ledger.signed_note import Note
from contracts.ledger.stretch import Stretch
from contracts.merkle import HASH_LENGTH

_NOTE: Final = select(LEDGER_HEAD.c.note).where(LEDGER_HEAD.c.shard == bindparam("of_shard"))
_ROOTS_KEPT: Final = 1000
_OPEN: Final = (OutboxState.WAITING.value, OutboxState.SENT.value)


@dataclass(frozen=True, slots=True)
class SeenCheckpoint:
    """A checkpoint with the note that it came in."""

    head: Checkpoint
    note: str


class SeenLedger:
    """The ledger of each shard as this unit has seen it, over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def last(self, shard: int) -> Checkpoint | None:
        """The last checkpoint that was taken."""
        row = self._connection.execute(_NOTE, {"of_shard": shard}).one_or_none()
        return None if row is None else _seen(row.note).head

    def sizes(self) -> dict[int, int]:
        """How far each shard's ledger was seen."""
        rows = self._connection.execute(select(LEDGER_HEAD.c.shard, LEDGER_HEAD.c.size))
        return {row.shard: row.size for row in rows}

    def keep(self, shard: int, head: Checkpoint, note: Note) -> None:
        """A checkpoint that follows from the last one."""
        row = {"shard": shard, "size": head.size, "root": head.root}
        upsert(self._connection, LEDGER_HEAD, [row | {"note": note.document}])
        upsert(self._connection, LEDGER_ROOT, [row])
        sizes = select(LEDGER_ROOT.c.size).where(LEDGER_ROOT.c.shard == shard).order_by(LEDGER_ROOT.c.size.desc())
        oldest = self._connection.execute(sizes.offset(_ROOTS_KEPT).limit(1)).scalar_one_or_none()
        if oldest is not None:
            old = (LEDGER_ROOT.c.shard == shard) & (LEDGER_ROOT.c.size <= oldest)
            self._connection.execute(delete(LEDGER_ROOT).where(old))

    def root(self, shard: int, size: int) -> bytes | None:
        """The root of a checkpoint that was seen; None for one that was not."""
        chosen = (LEDGER_ROOT.c.shard == shard) & (LEDGER_ROOT.c.size == size)
        found: bytes | None = self._connection.execute(select(LEDGER_ROOT.c.root).where(chosen)).scalar_one_or_none()
        return found

    def add(self, shard: int, stretch: Stretch, *, at: datetime) -> None:
        """Leaf hashes that lead to a checkpoint."""
        row = {
            "shard": shard,
            "first": stretch.first,
            "size": stretch.size,
            "subtrees": b"".join(stretch.before.hashes),
            "leaves": b"".join(stretch.leaves),
            "taken_at": at,
        }
        upsert(self._connection, LEDGER_STRETCH, [row])

    def stretches(self, shard: int, *, below: int) -> Sequence[Stretch]:
        """What is known leaf by leaf without a gap up to a size, in order."""
        chosen = (LEDGER_STRETCH.c.shard == shard) & (LEDGER_STRETCH.c.first < below)
        rows = self._connection.execute(select(LEDGER_STRETCH).where(chosen).order_by(LEDGER_STRETCH.c.first.desc()))
        found: list[Stretch] = []
        wanted = below
        for row in rows:
            if row.size < wanted:  # what it has, one that began before it has too, or there is a gap
                continue
            found.append(Stretch(Frontier(row.first, _hashes(row.subtrees)), _hashes(row.leaves)))
            wanted = row.first
        return found[::-1]

    def set_witnessed(self, shard: int, head: Checkpoint, note: Note) -> None:
        """Enough witnesses cosigned it."""
        upsert(self._connection, LEDGER_WITNESSED, [{"shard": shard, "size": head.size, "note": note.document}])

    def witnessed(self, shard: int, size: int | None = None) -> SeenCheckpoint | None:
        """The newest witnessed checkpoint, or the one of a size."""
        chosen = select(LEDGER_WITNESSED.c.note).where(LEDGER_WITNESSED.c.shard == shard)
        if size is not None:
            chosen = chosen.where(LEDGER_WITNESSED.c.size == size)
        note = self._connection.execute(chosen.order_by(LEDGER_WITNESSED.c.size.desc()).limit(1)).scalar_one_or_none()
        return None if note is None else _seen(note)

    def forget(self, shard: int) -> None:
        """Begin anew with the next announcement: a person has looked at what did not fit. Proofs and the notes that they rest on stay."""
        for table in (LEDGER_HEAD, LEDGER_ROOT, LEDGER_STRETCH):
            self._connection.execute(delete(table).where(table.c.shard == shard))
        self._drop_unused(shard)

    def prune(self, shard: int, *, at: datetime) -> None:
        """Let go what no message of this unit can need: a message that was made after a stretch came does not stand in it."""
        newest = self.witnessed(shard)
        if newest is None:
            return
        waiting = select(func.min(OUTBOX.c.queued_at)).where(OUTBOX.c.state.in_(_OPEN))
        since = self._connection.execute(waiting).scalar_one_or_none() or at
        owed = (ENTRY_PROOF.c.shard == shard) & ENTRY_PROOF.c.size.is_(None) & ENTRY_PROOF.c.lost.is_(False)
        lowest = self._connection.execute(select(func.min(ENTRY_PROOF.c.position)).where(owed)).scalar_one_or_none()
        end = newest.head.size if lowest is None else min(lowest, newest.head.size)
        done = (LEDGER_STRETCH.c.shard == shard) & (LEDGER_STRETCH.c.size <= end) & (LEDGER_STRETCH.c.taken_at < since)
        self._connection.execute(delete(LEDGER_STRETCH).where(done))
        self._drop_unused(shard, below=newest.head.size)

    def _drop_unused(self, shard: int, *, below: int | None = None) -> None:
        used = select(ENTRY_PROOF.c.size).where((ENTRY_PROOF.c.shard == shard) & ENTRY_PROOF.c.size.is_not(None))
        unused = (LEDGER_WITNESSED.c.shard == shard) & LEDGER_WITNESSED.c.size.not_in(used)
        if below is not None:
            unused &= LEDGER_WITNESSED.c.size < below
        self._connection.execute(delete(LEDGER_WITNESSED).where(unused))


def _seen(note: str) -> SeenCheckpoint:
    return SeenCheckpoint(checkpoint.parse(signed_note.parse(note).text), note)


def _hashes(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[at : at + HASH_LENGTH] for at in range(0, len(joined), HASH_LENGTH))
