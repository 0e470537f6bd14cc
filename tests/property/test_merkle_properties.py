"""Trees of every size against RFC 9162's recursive definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.merkle import (
    EMPTY_ROOT,
    ProofError,
    all_inclusion_paths,
    inclusion_path,
    leaf_hash,
    node_hash,
    root,
    root_from_inclusion,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(b"%d" % n) for n in range(300)]
SIZES = st.integers(1, 300)


def split(size: int) -> int:
    """The largest power of two smaller than size."""
    return 1 << (size - 1).bit_length() - 1


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH, RFC 9162 §2.1.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    k = split(len(leaves))
    return node_hash(defined_root(leaves[:k]), defined_root(leaves[k:]))


def defined_path(index: int, leaves: list[bytes]) -> tuple[bytes, ...]:
    """PATH, RFC 9162 §2.1.3.1."""
    if len(leaves) == 1:
        return ()
    k = split(len(leaves))
    if index < k:
        return (*defined_path(index, leaves[:k]), defined_root(leaves[k:]))
    return (*defined_path(index - k, leaves[k:]), defined_root(leaves[:k]))


def defined_proof(first: int, leaves: list[bytes], *, whole: bool = True) -> tuple[bytes, ...]:
    """PROOF and SUBPROOF, RFC 9162 §2.1.4.1."""
    if first == len(leaves):
        return () if whole else (defined_root(leaves),)
    k = split(len(leaves))
    if first <= k:
        return (*defined_proof(first, leaves[:k], whole=whole), defined_root(leaves[k:]))
    return (*defined_proof(first - k, leaves[k:], whole=False), defined_root(leaves[:k]))


@given(SIZES, st.data())
def test_roots_and_paths_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    leaves, index = LEAVES[:size], data.draw(st.integers(0, size - 1))
    top, paths = all_inclusion_paths(leaves)
    assert top == root(leaves) == defined_root(leaves)
    assert paths[index] == inclusion_path(leaves, index) == defined_path(index, leaves)
    verify_inclusion(leaves[index], top, index=index, size=size, path=paths[index])


@given(SIZES, st.data())
def test_a_leaf_of_another_tree_is_never_proved(size: int, data: st.DataObject) -> None:
    leaves, index = LEAVES[:size], data.draw(st.integers(0, size - 1))
    assert root_from_inclusion(leaf_hash(b"other"), index, size, inclusion_path(leaves, index)) != root(leaves)


@given(SIZES, st.data())
def test_a_log_that_only_grew_is_consistent_and_one_that_was_rewritten_is_not(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    old, new = root(LEAVES[:first]), root(LEAVES[:size])
    path = defined_proof(first, LEAVES[:size])
    verify_consistency(first=first, second=size, first_root=old, second_root=new, path=path)
    rewritten = root([leaf_hash(b"rewritten"), *LEAVES[1:first]])
    with pytest.raises(ProofError):
        verify_consistency(first=first, second=size, first_root=rewritten, second_root=new, path=path)
    with pytest.raises(ProofError):
        verify_consistency(first=first, second=size, first_root=old, second_root=new, path=(*path, old))
