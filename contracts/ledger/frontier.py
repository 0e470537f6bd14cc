"""A Merkle tree that only grows, in O(log n) memory: the roots of its perfect subtrees.

Invariants: `hashes` holds one root for each one in the size in binary, the largest subtree first; the root is that of RFC 9162 §2.1.1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from contracts.merkle import EMPTY_ROOT, HASH_LENGTH, ProofError, node_hash


@dataclass(frozen=True, slots=True)
class Frontier:
    """The state of a growing tree."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.hashes) != self.size.bit_count() or any(len(one) != HASH_LENGTH for one in self.hashes):
            raise ProofError(f"a tree of {self.size} entries has {self.size.bit_count()} perfect subtrees")

    def extended(self, leaf_hashes: Iterable[bytes]) -> "Frontier":
        """The tree with more leaves, in order."""
        hashes, size = list(self.hashes), self.size
        for leaf in leaf_hashes:
            node, rest = leaf, size
            while rest & 1:
                node, rest = node_hash(hashes.pop(), node), rest >> 1
            hashes.append(node)
            size += 1
        return Frontier(size, tuple(hashes))

    @property
    def root(self) -> bytes:
        """The root; SHA-256("") of an empty tree."""
        if not self.hashes:
            return EMPTY_ROOT
        return reduce(lambda right, left: node_hash(left, right), reversed(self.hashes))
