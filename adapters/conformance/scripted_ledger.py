"""The ledger that the kit announces: it grows, is shown forked, and is shown smaller than it was. Pure."""

from dataclasses import dataclass, field

from adapters.conformance.cast import Cast
from contracts.keys import KeyUse
from contracts.ledger.announcement import Announcement
from contracts.ledger.checkpoint import Checkpoint, origin_of
from contracts.ledger.frontier import Frontier
from contracts.ledger.signed_note import NoteSigner, sign
from contracts.ledger.stretch import Stretch
from contracts.merkle import leaf_hash


@dataclass(slots=True)
class ScriptedLedger:
    """The ledger of shard 0."""

    cast: Cast
    leaves: list[bytes] = field(default_factory=list)

    def grow(self, count: int) -> bytes:
        """So many entries more, told leaf by leaf."""
        first = len(self.leaves)
        self.leaves += [leaf_hash(f"kit {first + number}".encode()) for number in range(count)]
        return self._told(self.leaves, first)

    def forked(self) -> bytes:
        """As many entries as there are, of which the last was never shown."""
        return self._told([*self.leaves[:-1], leaf_hash(b"another history")], 0)

    def rewound(self, size: int) -> bytes:
        """The true ledger as it was at a size that was never shown."""
        return self._told(self.leaves[:size], 0)

    @property
    def head(self) -> Checkpoint:
        """Its checkpoint now."""
        return self._checkpoint(self.leaves)

    def _checkpoint(self, leaves: list[bytes]) -> Checkpoint:
        root = Stretch(Frontier(), tuple(leaves)).root(len(leaves))
        return Checkpoint(origin_of(self.cast.programme, 0), len(leaves), root)

    def _told(self, leaves: list[bytes], first: int) -> bytes:
        head = self._checkpoint(leaves)
        note = sign(head.text, [NoteSigner(head.origin, self.cast.hub_keys[KeyUse.CHECKPOINTS].seed)])
        before = Frontier().extended(tuple(leaves[:first]))
        return Announcement.of(Stretch(before, tuple(leaves[first:])), note).document
