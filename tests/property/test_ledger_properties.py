"""Whatever a ledger's size: its state, its tiles and its proofs agree with each other and with the hashes of RFC 9162."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import merkle
from contracts.ledger import policy, witnessing
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.frontier import Frontier
from contracts.ledger.policy import PolicyError
from contracts.ledger.signed_note import NoteError, NoteSigner, SignatureType, sign
from contracts.ledger.tiles import WIDTH, Tile, TiledTree, tiles_of
from contracts.ledger.witnessing import AddCheckpoint, Answer, WitnessError, to_cosign

MOST = 70_000
LEAVES = [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(MOST)]
LOG = NoteSigner("spojka/decin/0", b"\x01" * 32)
ORIGIN = LOG.name
sizes = st.one_of(st.integers(1, 600), st.integers(1, MOST), st.sampled_from([255, 256, 257, 65_535, 65_536, 65_537]))


def stored(size: int) -> dict[Tile, bytes]:
    """All tiles of a tree, written as it grows in one go."""
    levels, found = [LEAVES[:size]], {}
    while len(levels[-1]) >= WIDTH:
        below = levels[-1]
        whole = range(0, len(below) // WIDTH * WIDTH, WIDTH)
        levels.append([merkle.root(below[begin : begin + WIDTH]) for begin in whole])
    for tile in tiles_of(size):
        begin = tile.number * WIDTH
        found[tile] = b"".join(levels[tile.level][begin : begin + tile.width])
    return found


@settings(deadline=None, max_examples=40)  # a tree of 70,000 leaves is hashed whole each time
@given(sizes, st.data())
def test_proofs_made_of_tiles_hold(size: int, data: st.DataObject) -> None:
    tiles = stored(size)
    tree, root = TiledTree(size, tiles.__getitem__), Frontier().extended(LEAVES[:size]).root
    assert tree.root == root
    index = data.draw(st.integers(0, size - 1))
    merkle.verify_inclusion(LEAVES[index], root, index=index, size=size, path=tree.inclusion(index))
    first = data.draw(st.integers(1, size))
    merkle.verify_consistency(
        first=first,
        second=size,
        first_root=Frontier().extended(LEAVES[:first]).root,
        second_root=root,
        path=tree.consistency(first),
    )


@given(st.lists(st.integers(0, 300), max_size=6))
def test_a_tree_grown_in_steps_is_the_tree_grown_at_once(steps: list[int]) -> None:
    tree, taken = Frontier(), 0
    for step in steps:
        tree = tree.extended(LEAVES[taken : taken + step])
        taken += step
    assert tree.size == taken
    assert tree.root == merkle.root(LEAVES[:taken])


@given(st.integers(0, MOST), st.integers(0, MOST))
def test_growing_writes_each_tile_that_changed_and_no_other(one: int, other: int) -> None:
    before, size = sorted((one, other))
    assert set(tiles_of(size, before=before)) == set(tiles_of(size)) - set(tiles_of(before))


@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 80))
def test_a_witness_signs_what_extends_the_last_that_it_saw_and_nothing_else(seen: int, old: int, size: int) -> None:
    tree = TiledTree(size, stored(size).__getitem__)
    proof = tree.consistency(old) if 0 < old <= size else ()
    head = Checkpoint(ORIGIN, size, tree.root)
    request = AddCheckpoint(old, proof, sign(head.text, [LOG]))
    last = Checkpoint(ORIGIN, seen, Frontier().extended(LEAVES[:seen]).root) if seen else None
    if old == seen and old <= size:
        assert to_cosign(witnessing.parse(request.body), logs=[LOG.key], last=last) == head
        return
    with pytest.raises(WitnessError) as caught:
        to_cosign(request, logs=[LOG.key], last=last)
    assert caught.value.answer is (Answer.MALFORMED if old > size else Answer.CONFLICT)


@given(st.integers(1, 60), st.integers(0, 60))
def test_a_witness_never_signs_a_fork(size: int, more: int) -> None:
    last = Checkpoint(ORIGIN, size, Frontier().extended(LEAVES[:size]).root)
    forked = [LEAVES[-1], *LEAVES[1 : size + more]]
    head = Checkpoint(ORIGIN, size + more, Frontier().extended(forked).root)
    proof = TiledTree(size + more, stored(size + more).__getitem__).consistency(size)
    with pytest.raises(WitnessError) as caught:
        to_cosign(AddCheckpoint(size, proof, sign(head.text, [LOG])), logs=[LOG.key], last=last)
    assert caught.value.answer in {Answer.BAD_PROOF, Answer.CONFLICT}


@given(st.integers(1, 6), st.data())
def test_a_policy_accepts_exactly_from_its_threshold_on(count: int, data: st.DataObject) -> None:
    witnesses = [
        NoteSigner(f"witness-{number}", bytes([number + 2]) * 32, SignatureType.COSIGNATURE) for number in range(count)
    ]
    threshold = data.draw(st.integers(1, count))
    names = [f"W{number}" for number in range(count)]
    lines = [f"witness {name} {one.key.text}" for name, one in zip(names, witnesses, strict=True)]
    text = "\n".join(
        [f"log {LOG.key.text}", *lines, f"group all-of-them {threshold} {' '.join(names)}", "quorum all-of-them"]
    )
    trusted = policy.parse(text)
    head = Checkpoint(ORIGIN, 1, LEAVES[0])
    chosen = data.draw(st.sets(st.sampled_from(witnesses)))
    note = sign(head.text, [LOG]).with_signatures(one.sign(head.text, at=7) for one in chosen)
    if len(chosen) >= threshold:
        assert trusted.accept(note, origin=ORIGIN) == head
    else:
        with pytest.raises(PolicyError):
            trusted.accept(note)
    with pytest.raises(PolicyError):
        trusted.accept(note, origin="spojka/decin/1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "quorum"),
        ("quorum W", "line 1: W is not defined"),
        ("quorum none\nquorum none", "line 2: a policy has one quorum"),
        (f"log {LOG.key.text}\nlog {LOG.key.text}\nquorum none", "line 2: .*twice"),
        (f"witness W {LOG.key.text}\nquorum W", "line 1: .*type"),
        ("group G 2 A B\nquorum G", "line 1: A is not defined"),
        ("lock x\nquorum none", "line 1: this is no line"),
        ("log nonsense\nquorum none", "line 1: a vkey"),
    ],
)
def test_a_policy_that_cannot_be_used_says_which_line(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        policy.parse(text)


@given(st.text(max_size=200))
def test_no_text_breaks_a_parser(text: str) -> None:
    for parse in (policy.parse, witnessing.parse):
        with pytest.raises(NoteError):
            parse(text)
