"""A part of a ledger that is known leaf by leaf, on the roots of what came before: enough for every root and path within it.

Invariants: nothing of the tree before is known but the roots of its perfect subtrees, and nothing more is needed; every root and path is that of
RFC 9162 §2.1 over the whole tree.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from contracts.ledger.frontier import Frontier
from contracts.merkle import EMPTY_ROOT, ProofError, node_hash


@dataclass(frozen=True)
class Stretch:
    """Leaf hashes from `before.size` on."""

    before: Frontier
    leaves: tuple[bytes, ...]
    _nodes: dict[tuple[int, int], bytes] = field(default_factory=dict, repr=False, compare=False)
    """Roots of ranges that were worked out."""

    def __post_init__(self) -> None:
        """The subtrees of the tree before, each by its range."""
        end = 0
        for height, node in zip(_heights(self.before.size), self.before.hashes, strict=True):
            self._nodes[end, end + (1 << height)] = node
            end += 1 << height

    @property
    def first(self) -> int:
        """The first index that is known."""
        return self.before.size

    @property
    def size(self) -> int:
        """The size of the tree up to the last leaf."""
        return self.before.size + len(self.leaves)

    def leaf(self, index: int) -> bytes:
        """The hash of an entry. Raises `ProofError` where it is not in here."""
        if not self.first <= index < self.size:
            raise ProofError(f"entry {index} is not between {self.first} and {self.size}")
        return self.leaves[index - self.first]

    def root(self, size: int) -> bytes:
        """The root of the tree as it was at a size in here. Raises `ProofError`."""
        self._check(size)
        return self._root(0, size) if size else EMPTY_ROOT

    def frontier(self, size: int) -> Frontier:
        """The perfect subtrees of the tree as it was at a size in here. Raises `ProofError`."""
        self._check(size)
        return self.before.extended(self.leaves[: size - self.first])

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """The path of an entry of here in the tree of a size in here (RFC 9162 §2.1.3.1). Raises `ProofError`."""
        self._check(size)
        if not self.first <= index < size:
            raise ProofError(f"entry {index} is not between {self.first} and {size}")
        return tuple(self._inclusion(index, 0, size))

    def _check(self, size: int) -> None:
        if not self.first <= size <= self.size:
            raise ProofError(f"size {size} is not between {self.first} and {self.size}")

    def _inclusion(self, index: int, begin: int, end: int) -> Iterator[bytes]:
        if end - begin == 1:
            return
        middle = _split(begin, end)
        if index < middle:
            yield from self._inclusion(index, begin, middle)
            yield self._root(middle, end)
        else:
            yield from self._inclusion(index, middle, end)
            yield self._root(begin, middle)

    def _root(self, begin: int, end: int) -> bytes:
        known = self._nodes.get((begin, end))
        if known is not None:
            return known
        if end - begin == 1:
            return self.leaf(begin)
        middle = _split(begin, end)
        found = node_hash(self._root(begin, middle), self._root(middle, end))
        self._nodes[begin, end] = found
        return found


def joined(stretches: list[Stretch]) -> Stretch:
    """Stretches that follow each other as one; where they overlap, the earlier leaves are taken. Raises `ProofError` where something is missing."""
    first, *rest = stretches
    leaves = list(first.leaves)
    for one in rest:
        end = first.first + len(leaves)
        if one.first > end:
            raise ProofError(f"nothing is known between {end} and {one.first}")
        leaves += one.leaves[end - one.first :]
    return Stretch(first.before, tuple(leaves))


def _heights(size: int) -> Iterator[int]:
    return (height for height in reversed(range(size.bit_length())) if size >> height & 1)


def _split(begin: int, end: int) -> int:
    """Where RFC 9162 splits a range: behind the largest power of two below its width."""
    return begin + (1 << (end - begin - 1).bit_length() - 1)
