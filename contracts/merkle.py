"""Merkle trees as in Certificate Transparency 2.0: the same for batches of 256 and for the ledger.

Invariants: hashes and proofs follow RFC 9162 §2.1; every hash is 32 bytes and every other length is refused; a proof
that does not hold raises and never returns, so that no caller can forget to look. Indices start at 0.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final

from contracts.errors import ContractsError

HASH_LENGTH: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()


class ProofError(ContractsError):
    """A Merkle proof is malformed or does not lead to the root."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem, advice="do not use what it was to prove; ask for the proof again and keep this one")


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry), RFC 9162 §2.1.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), RFC 9162 §2.1.1."""
    return sha256(b"\x01" + left + right).digest()


_shared_node: Final = lru_cache(maxsize=512)(node_hash)
"""The same, remembered: of the paths of one batch most nodes are those of the path before."""


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1 over hashes of leaves; SHA-256("") for none."""
    return _levels(leaf_hashes)[-1][0] if leaf_hashes else EMPTY_ROOT


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """PATH of RFC 9162 §2.1.3.1. Raises `IndexError` when there is no such leaf."""
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(index)
    return _path(_levels(leaf_hashes), index)


def all_inclusion_paths(leaf_hashes: Sequence[bytes]) -> tuple[bytes, list[tuple[bytes, ...]]]:
    """The root and the path of every leaf, with each node hashed once."""
    if not leaf_hashes:
        return EMPTY_ROOT, []
    levels = _levels(leaf_hashes)
    return levels[-1][0], _all_paths(levels)


def root_from_inclusion(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The one root under which this path proves the leaf (RFC 9162 §2.1.3.2 but its last step). Raises `ProofError`."""
    _check_hashes(leaf_hash, *path)
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is outside a tree of {size}")
    fn, sn, r = index, size - 1, leaf_hash
    for p in path:
        if sn == 0:
            raise ProofError("inclusion path is too long")
        if fn & 1 or fn == sn:
            r = _shared_node(p, r)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            r = _shared_node(r, p)
        fn >>= 1
        sn >>= 1
    if sn:
        raise ProofError("inclusion path is too short")
    return r


def verify_inclusion(leaf_hash: bytes, root: bytes, *, index: int, size: int, path: Sequence[bytes]) -> None:
    """Check that the leaf stands at `index` of the tree (RFC 9162 §2.1.3.2). Raises `ProofError`."""
    if root_from_inclusion(leaf_hash, index, size, path) != root:
        raise ProofError("inclusion path does not lead to the root")


def verify_consistency(
    *, first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of size `second` extends that of size `first` (RFC 9162 §2.1.4.2). Raises `ProofError`.

    Size 0 proves nothing and is refused; equal sizes need an empty path and equal roots.
    """
    _check_hashes(first_root, second_root, *path)
    if not 0 < first <= second:
        raise ProofError(f"no consistency from size {first} to size {second}")
    if first == second:
        if path or first_root != second_root:
            raise ProofError("equal sizes need equal roots and no path")
        return
    fr, sr = _roots_from_consistency(first, second, first_root, path)
    if fr != first_root or sr != second_root:
        raise ProofError("consistency path does not lead to both roots")


def _roots_from_consistency(first: int, second: int, first_root: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    if not path:
        raise ProofError("consistency path is empty")
    whole = (first_root, *path) if first & (first - 1) == 0 else tuple(path)  # step 2: a power of two is its own start
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = whole[0]
    for c in whole[1:]:
        if sn == 0:
            raise ProofError("consistency path is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, c)
        fn >>= 1
        sn >>= 1
    if sn:
        raise ProofError("consistency path is too short")
    return fr, sr


def _levels(leaf_hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Leaves first, root last; a node without sibling moves up unchanged: the split at the largest power of two."""
    levels = [leaf_hashes]
    while len(below := levels[-1]) > 1:
        level = [node_hash(left, right) for left, right in zip(below[::2], below[1::2], strict=False)]
        levels.append([*level, below[-1]] if len(below) & 1 else level)
    return levels


def _path(levels: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    return tuple(
        level[sibling] for depth, level in enumerate(levels[:-1]) if (sibling := (index >> depth) ^ 1) < len(level)
    )


def _all_paths(levels: Sequence[Sequence[bytes]]) -> list[tuple[bytes, ...]]:
    """From the root down: a node's path is its sibling, where it has one, and its parent's path."""
    paths: list[tuple[bytes, ...]] = [()]
    for level in reversed(levels[:-1]):
        beside = [level[index ^ 1 : (index ^ 1) + 1] for index in range(len(level))]
        paths = [(*sibling, *paths[index >> 1]) for index, sibling in enumerate(beside)]
    return paths


def _check_hashes(*hashes: bytes) -> None:
    for each in hashes:
        if len(each) != HASH_LENGTH:
            raise ProofError(f"a hash has {HASH_LENGTH} bytes, not {len(each)}")
