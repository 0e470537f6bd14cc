"""Leaf hashes under a root that is trusted, from tiles that are not: what lets a part of a log verify without the rest.

Invariants: a hash is given only where its tile leads to the root; each tile is read and hashed once. Partial tiles are covered by the root itself,
full ones by the hash for them in the tile above.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.tiles import WIDTH, Read, Tile, TiledTree
from contracts.merkle import HASH_LENGTH, ProofError, root


def tile_of(level: int, index: int, size: int) -> Tile:
    """The tile of a tree of `size` entries in which a level's hash stands."""
    number = index // WIDTH
    return Tile(level, number, min(WIDTH, (size >> 8 * level) - number * WIDTH))


def tiles_for(positions: Iterable[int], size: int) -> Iterator[Tile]:
    """The tiles that these positions need to be proven under the root of a tree of `size` entries."""
    wanted: set[Tile] = set()
    level, width = 0, size
    while width:
        if width % WIDTH:
            wanted.add(Tile(level, width // WIDTH, width % WIDTH))
        level, width = level + 1, width // WIDTH
    numbers, level = {position // WIDTH for position in positions}, 0
    while numbers and size >> 8 * level:
        wanted |= {tile_of(level, number * WIDTH, size) for number in numbers}
        level, numbers = level + 1, {number // WIDTH for number in numbers if number < size >> 8 * (level + 1)}
    yield from sorted(wanted)


@dataclass(slots=True)
class ProvenLeaves:
    """The leaf hashes of a ledger as its checkpoint vouches for them."""

    head: Checkpoint
    read: Read
    _known: dict[Tile, bytes] = field(default_factory=dict)

    def check(self) -> None:
        """That the tiles at the edge have the root. Raises `ProofError`."""
        if TiledTree(self.head.size, self.read).root != self.head.root:
            raise ProofError("the tiles do not have the root of the checkpoint")

    def leaf(self, position: int) -> bytes:
        """The hash of an entry. Raises `ProofError` where it is not proven; call `check` first."""
        if not 0 <= position < self.head.size:
            raise ProofError(f"entry {position} is outside a tree of {self.head.size}")
        return self._hash(0, position)

    def _hash(self, level: int, index: int) -> bytes:
        offset = index % WIDTH * HASH_LENGTH
        return self._proven(tile_of(level, index, self.head.size))[offset : offset + HASH_LENGTH]

    def _proven(self, tile: Tile) -> bytes:
        known = self._known.get(tile)
        if known is not None:
            return known
        raw = self.read(tile)[: tile.width * HASH_LENGTH]
        hashes = [raw[at : at + HASH_LENGTH] for at in range(0, len(raw), HASH_LENGTH)]
        if len(raw) != tile.width * HASH_LENGTH:
            raise ProofError(f"{tile.path} has {len(raw)} bytes")
        if tile.width == WIDTH and root(hashes) != self._hash(tile.level + 1, tile.number):
            raise ProofError(f"{tile.path} does not lead to the root")
        self._known[tile] = raw
        return raw
