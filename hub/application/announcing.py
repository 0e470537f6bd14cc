"""What a ledger tells its witnesses, and what it takes from them: announcements out, cosignatures in (adr/0020).

Invariants: nothing is announced but what the ledger's files hold and its checkpoint vouches for; the next checkpoint is announced once enough
witnesses cosigned the last, or their time is over, so that cosignatures meet on one checkpoint; a witness that signed for another history is an
alarm and is never argued with.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts.ledger import checkpoint, signed_note
from contracts.ledger.announcement import MOST_LEAVES, Announcement, Sighting
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.frontier import Frontier
from contracts.ledger.listed_keys import holding, is_enough
from contracts.ledger.signed_note import MOST_SIGNATURES, Note, NoteKey, NoteSignature, NoteSigner
from contracts.ledger.stretch import Stretch
from contracts.ledger.tiles import TiledTree
from contracts.names import UnitId
from hub.application.ledger import TileStore
from hub.application.ledger_tiles import LedgerTiles

WITNESSED: Final = "checkpoint.witnessed"
"""The newest checkpoint that more than half of the units cosigned."""
Witnesses = Mapping[UnitId, Collection[NoteKey]]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds."""

    apart: float = 1.0
    """Between two announcements."""
    patience: float = 30.0
    """For cosignatures, before the next checkpoint is announced all the same."""


@dataclass(slots=True)
class _Told:
    """The checkpoint that was announced last, and who cosigned it."""

    head: Checkpoint
    note: Note
    at: float
    units: set[UnitId] = field(default_factory=set)
    fresh: bool = False
    """Cosignatures came that were not told yet."""


class Announcer:
    """Speaks for the ledger of one shard, from its files alone. Not thread-safe."""

    def __init__(
        self,
        files: TileStore,
        signer: NoteSigner,
        *,
        pace: Pace | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = files
        self._tiles = LedgerTiles(files)
        self._signer = signer
        self._pace = pace or Pace()
        self._monotonic = monotonic
        self._told: _Told | None = None
        self._behind: set[int] = set()
        self.contradicted: set[UnitId] = set()
        """Witnesses that signed for another history than these files hold."""
        self._denied: list[Sighting] = []

    @property
    def told(self) -> Note | None:
        """What was announced last, with its cosignatures: for witnesses that are asked in another way."""
        return None if self._told is None else self._told.note

    @property
    def witnessed(self) -> int:
        """The size that enough witnesses have seen."""
        raw = self._files.read(WITNESSED)
        return 0 if raw is None else checkpoint.parse(signed_note.parse(raw.decode()).text).size

    def denied(self) -> list[Sighting]:
        """What witnesses signed that these files do not bear out, since this was asked last."""
        denied, self._denied = self._denied, []
        return denied

    def again(self) -> None:
        """The broker is another one, or what was announced did not reach it: begin behind what is witnessed."""
        self._told = None

    def next(self, witnesses: Witnesses) -> list[Announcement]:
        """What is to be announced now, in this order. Raises `LedgerError`."""
        head = self._tiles.latest()
        if head is None:
            return []
        found = [*self._cosigned(witnesses), *self._new(head, witnesses), *self._answers()]
        self._behind.clear()
        return found

    def hear(self, said: Sighting, witnesses: Witnesses) -> None:
        """Take what a unit says that it has seen; what is not signed by its witness key only tells where it stands."""
        head = self._tiles.latest()
        if head is None or said.origin != self._signer.name:
            return
        seen = Checkpoint(said.origin, said.size, said.root_hash)
        signature = said.signature(seen.text)
        signed = signature is not None and holding(signature, seen.text, witnesses.get(said.unit, ()))
        if signed and not self._holds(seen, head):
            self.contradicted.add(said.unit)
            self._denied.append(said)
            return
        if signed and signature is not None and self._told is not None and self._told.head == seen:
            self.cosign([signature], unit=said.unit)
        if said.behind and said.size < head.size:
            self._behind.add(said.size)

    def cosign(self, signatures: Collection[NoteSignature], *, unit: UnitId | None = None) -> None:
        """Put cosignatures that hold on what was announced last."""
        told = self._told
        if told is None:
            return
        known = {(one.name, one.key_hash) for one in told.note.signatures}
        room = MOST_SIGNATURES - len(told.note.signatures)
        fresh = [one for one in signatures if (one.name, one.key_hash) not in known][:room]
        note = told.note.with_signatures(fresh)
        if len(note.signatures) > len(told.note.signatures):
            told.note, told.fresh = note, True
        if unit is not None:
            told.units.add(unit)

    def proof(self, first: int) -> tuple[bytes, ...]:
        """That what was announced last extends a smaller tree (RFC 9162 §2.1.4.1). Raises `ProofError` for a size that it does not extend."""
        size = 0 if self._told is None else self._told.head.size
        return self.tree(size).consistency(first) if first else ()

    def tree(self, size: int) -> TiledTree:
        """The tree as it was at a size up to the last checkpoint's."""
        return self._tiles.tree(size)

    def _holds(self, seen: Checkpoint, head: Checkpoint) -> bool:
        return seen.size <= head.size and self.tree(seen.size).root == seen.root

    def _cosigned(self, witnesses: Witnesses) -> Iterator[Announcement]:
        told = self._told
        if told is None or not told.fresh or not is_enough(told.units, witnesses):
            return
        told.fresh = False
        self._files.write(WITNESSED, told.note.document.encode())
        yield Announcement.of(Stretch(self._before(told.head.size), ()), told.note)

    def _new(self, head: Checkpoint, witnesses: Witnesses) -> Iterator[Announcement]:
        now, told = self._monotonic(), self._told
        if told is None:
            first = max(self.witnessed, head.size - MOST_LEAVES, 0)
        elif not self._may(told, head, witnesses, now):
            return
        else:
            first = told.head.size
        while first < head.size or self._told is None:
            end = min(first + MOST_LEAVES, head.size)
            note = self._signed(end)
            self._told = _Told(checkpoint.parse(note.text), note, now)
            yield Announcement.of(self._stretch(first, end), note)
            first = end

    def _may(self, told: _Told, head: Checkpoint, witnesses: Witnesses, now: float) -> bool:
        if head.size == told.head.size or now - told.at < self._pace.apart:
            return False
        full = head.size - told.head.size >= MOST_LEAVES
        waited = not witnesses or is_enough(told.units, witnesses) or now - told.at >= self._pace.patience
        return full or waited

    def _answers(self) -> Iterator[Announcement]:
        """For those who are behind: everything since, or where that is too much, that nothing before was changed."""
        told = self._told
        for first in sorted(self._behind) if told is not None else ():
            assert told is not None  # noqa: S101 - the loop has nothing otherwise
            if told.head.size - first <= MOST_LEAVES:
                yield Announcement.of(self._stretch(first, told.head.size), told.note)
            elif first:
                proof = self.tree(told.head.size).consistency(first)
                yield Announcement.over(self._before(first), proof, told.note)

    def _stretch(self, first: int, end: int) -> Stretch:
        tree = self.tree(end)
        return Stretch(self._before(first), tuple(tree.leaf(index) for index in range(first, end)))

    def _before(self, size: int) -> Frontier:
        return Frontier(size, self.tree(size).subtrees)

    def _signed(self, size: int) -> Note:
        """Signing is deterministic, so the note of the last size is the ledger's own."""
        return signed_note.sign(Checkpoint(self._signer.name, size, self.tree(size).root).text, [self._signer])
