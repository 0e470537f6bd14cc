"""The published cases of Certificate Transparency's proofs: the same verdict in each."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from contracts.merkle import (
    EMPTY_ROOT,
    ProofError,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)


def read(shared_material: Path, name: str) -> Any:  # noqa: ANN401  JSON of others
    return json.loads((shared_material / "vectors" / name).read_text(encoding="utf-8"))


def hashes(proof: list[str] | None) -> list[bytes]:
    return [b64decode(each) for each in proof or []]


def inclusion_holds(case: dict[str, Any]) -> bool:
    try:
        verify_inclusion(
            b64decode(case["leafHash"]),
            b64decode(case["root"]),
            index=case["leafIdx"],
            size=case["treeSize"],
            path=hashes(case["proof"]),
        )
    except ProofError:
        return False
    return True


def consistency_holds(case: dict[str, Any]) -> bool:
    try:
        verify_consistency(
            first=case["size1"],
            second=case["size2"],
            first_root=b64decode(case["root1"]),
            second_root=b64decode(case["root2"]),
            path=hashes(case["proof"]),
        )
    except ProofError:
        return False
    return True


def test_hashes_of_leaves_nodes_and_the_empty_tree_are_the_published_ones(shared_material: Path) -> None:
    empty, empty_leaf, leaf, node = read(shared_material, "merkle_tree.json")["hasher"]
    assert EMPTY_ROOT.hex() == empty["hex"]
    assert leaf_hash(b"").hex() == empty_leaf["hex"]
    assert leaf_hash(leaf["leaf_utf8"].encode()).hex() == leaf["hex"]
    assert node_hash(node["left_utf8"].encode(), node["right_utf8"].encode()).hex() == node["hex"]


def test_the_published_tree_has_its_published_root(shared_material: Path) -> None:
    vector = read(shared_material, "merkle_tree.json")
    leaves = [leaf_hash(bytes.fromhex(each)) for each in vector["leaf_inputs_hex"]]
    levels = vector["node_hashes_by_level"]
    assert [each.hex() for each in leaves] == levels[0]
    for depth, level in enumerate(levels):
        width = 1 << depth
        assert [root(leaves[n : n + width]).hex() for n in range(0, len(leaves), width)] == level


def test_each_published_inclusion_proof_gets_its_published_verdict(shared_material: Path) -> None:
    cases = read(shared_material, "merkle_inclusion.json")
    assert len(cases) == 98
    assert [case["name"] for case in cases if inclusion_holds(case) is case["wantErr"]] == []
    assert any(inclusion_holds(case) for case in cases)


def test_each_published_consistency_proof_gets_its_published_verdict(shared_material: Path) -> None:
    """One case has placeholder roots that are no hashes; it is left out, since every hash here has 32 bytes."""
    cases = read(shared_material, "merkle_consistency.json")
    assert len(cases) == 98
    proper = [case for case in cases if case["wantErr"] or len(b64decode(case["root1"])) == 32]
    assert len(proper) == 97
    assert [case["name"] for case in proper if consistency_holds(case) is case["wantErr"]] == []
    assert any(consistency_holds(case) for case in proper)
