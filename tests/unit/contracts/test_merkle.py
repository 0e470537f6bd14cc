"""Proofs that a reader of a batch or of the ledger relies on."""

import pytest

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

LEAVES = [leaf_hash(bytes([n])) for n in range(7)]


def test_a_leaf_can_never_pass_for_a_node() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


def test_the_tree_of_seven_has_the_shape_that_rfc_9162_draws() -> None:
    a, b, c, d, e, f, g = LEAVES
    left = node_hash(node_hash(a, b), node_hash(c, d))
    right = node_hash(node_hash(e, f), g)
    assert root(LEAVES) == node_hash(left, right)
    assert inclusion_path(LEAVES, 0) == (b, node_hash(c, d), right)
    assert inclusion_path(LEAVES, 4) == (f, g, left)
    assert inclusion_path(LEAVES, 6) == (node_hash(e, f), left)


def test_an_empty_tree_has_a_root_and_no_paths() -> None:
    assert all_inclusion_paths([]) == (EMPTY_ROOT, [])
    assert root([]) == EMPTY_ROOT


@pytest.mark.parametrize("index", [-1, 7])
def test_there_is_no_path_to_a_leaf_that_does_not_exist(index: int) -> None:
    with pytest.raises(IndexError):
        inclusion_path(LEAVES, index)


@pytest.mark.parametrize("index", range(7))
def test_a_path_proves_its_leaf_at_its_place_only(index: int) -> None:
    path = inclusion_path(LEAVES, index)
    verify_inclusion(LEAVES[index], root(LEAVES), index=index, size=7, path=path)
    for other in set(range(-1, 9)) - {index}:
        with pytest.raises(ProofError):
            verify_inclusion(LEAVES[index], root(LEAVES), index=other, size=7, path=path)


def test_a_path_of_another_length_is_refused_before_any_comparison() -> None:
    path = inclusion_path(LEAVES, 2)
    for wrong in (path[:-1], (*path, LEAVES[0]), ()):
        with pytest.raises(ProofError):
            root_from_inclusion(LEAVES[2], 2, 7, wrong)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_hash_of_another_length_cannot_shift_the_boundary_between_two_hashes(length: int) -> None:
    path = inclusion_path(LEAVES, 2)
    with pytest.raises(ProofError):
        root_from_inclusion(b"\x00" * length, 2, 7, path)
    with pytest.raises(ProofError):
        root_from_inclusion(LEAVES[2], 2, 7, (b"\x00" * length, *path[1:]))


def test_the_empty_log_is_consistent_with_nothing_so_that_a_fresh_start_hides_no_rewrite() -> None:
    with pytest.raises(ProofError):
        verify_consistency(first=0, second=7, first_root=EMPTY_ROOT, second_root=root(LEAVES), path=())


def test_a_shorter_log_never_extends_a_longer_one() -> None:
    with pytest.raises(ProofError):
        verify_consistency(first=7, second=6, first_root=root(LEAVES), second_root=root(LEAVES[:6]), path=(LEAVES[6],))


def test_a_log_of_the_same_size_with_another_root_is_a_fork() -> None:
    verify_consistency(first=7, second=7, first_root=root(LEAVES), second_root=root(LEAVES), path=())
    with pytest.raises(ProofError):
        verify_consistency(first=7, second=7, first_root=root(LEAVES), second_root=root(LEAVES[:6]), path=())
