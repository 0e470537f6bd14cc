"""An implementation of Merkle trees that we did not write comes to our roots and proofs, on ten thousand random trees."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

import pytest
from pymerkle import InmemoryTree

from contracts.ledger.frontier import Frontier
from contracts.ledger.tiles import Tile, TiledTree
from contracts.merkle import leaf_hash, root, root_from_inclusion, verify_consistency

TREES: Final = 10_000
LARGEST: Final = 24
PORTIONS: Final = 4


def tiled(leaves: Sequence[bytes]) -> TiledTree:
    """The same tree as its tiles; these are smaller than one tile."""

    def read(tile: Tile) -> bytes:
        assert (tile.level, tile.number) == (0, 0)
        return b"".join(leaves)

    return TiledTree(len(leaves), read)


def random_trees(seed: int, count: int) -> Iterator[tuple[Random, list[bytes]]]:
    chance = Random(seed)
    for _ in range(count):
        yield chance, [chance.randbytes(chance.randrange(0, 24)) for _ in range(chance.randint(1, LARGEST))]


def hashes(path: Sequence[str | bytes]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(one) if isinstance(one, str) else one for one in path)


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_roots_and_proofs_are_the_same(portion: int) -> None:
    proofs = 0
    for chance, entries in random_trees(portion, TREES // PORTIONS):
        theirs = InmemoryTree.init_from_entries(entries, algorithm="sha256")
        leaves = [leaf_hash(entry) for entry in entries]
        size, ours = len(entries), tiled(leaves)
        assert theirs.get_root() == ours.root == root(leaves) == Frontier().extended(leaves).root
        index = chance.randrange(size)
        shown = hashes(theirs.prove_inclusion(index + 1, size).serialize()["path"])
        assert shown[0] == leaves[index]
        path = ours.inclusion(index)
        assert shown[1:] == path
        assert root_from_inclusion(leaves[index], index, size, path) == theirs.get_root()
        first = chance.randint(1, size)
        grown = ours.consistency(first)
        verify_consistency(
            first=first,
            second=size,
            first_root=theirs.get_root(first),
            second_root=theirs.get_root(),
            path=grown,
        )
        proofs += len(path)
    assert proofs > TREES // PORTIONS
