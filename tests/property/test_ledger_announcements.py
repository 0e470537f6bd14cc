"""How a ledger is announced: whatever it held and however it grew, a witness works out the same roots and paths, and nothing else adds up."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import merkle
from contracts.ledger.announcement import Announcement, AnnouncementError, read_announcement
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.frontier import Frontier
from contracts.ledger.signed_note import Note, NoteSigner, sign
from contracts.ledger.stretch import Stretch, joined

LOG = NoteSigner("spojka/decin/0", b"\x01" * 32)
LEAVES = tuple(merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(1200))
sizes = st.integers(0, len(LEAVES))


def stretch(first: int, end: int) -> Stretch:
    return Stretch(Frontier().extended(LEAVES[:first]), LEAVES[first:end])


def note(size: int, leaves: tuple[bytes, ...] = LEAVES) -> Note:
    return sign(Checkpoint(LOG.name, size, merkle.root(leaves[:size])).text, [LOG])


@settings(deadline=None)
@given(sizes, sizes, st.data())
def test_a_stretch_knows_every_root_and_path_of_the_whole_tree(one: int, other: int, data: st.DataObject) -> None:
    first, end = sorted((one, other))
    known = stretch(first, end)
    size = data.draw(st.integers(first, end))
    assert known.root(size) == merkle.root(LEAVES[:size])
    assert known.frontier(size) == Frontier().extended(LEAVES[:size])
    if size > first:
        index = data.draw(st.integers(first, size - 1))
        assert known.inclusion(index, size) == merkle.inclusion_path(LEAVES[:size], index)
    middle = data.draw(st.integers(first, end))
    assert joined([stretch(first, middle), stretch(data.draw(st.integers(first, middle)), end)]) == known


@settings(deadline=None, max_examples=50)
@given(sizes, sizes)
def test_an_announcement_is_read_as_it_was_written(one: int, other: int) -> None:
    first, end = sorted((one, other))
    announced = Announcement.of(stretch(first, end), note(end))
    found, head, known = read_announcement(announced.document).checked()
    assert (found, head.size, known) == (note(end), end, stretch(first, end))


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 1199), st.data())
def test_a_changed_leaf_or_subtree_leads_to_no_signed_root(first: int, data: st.DataObject) -> None:
    end = data.draw(st.integers(first + 1, 1200))
    at = data.draw(st.integers(0, end - 1))
    other = (*LEAVES[:at], b"\x00" * 32, *LEAVES[at + 1 :])
    grown = Stretch(Frontier().extended(other[:first]), other[first:end])
    with pytest.raises(AnnouncementError, match="do not lead"):
        Announcement.of(grown, note(end)).checked()


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 1199), st.data())
def test_a_proof_that_leads_over_leaves_holds_for_the_true_beginning_only(first: int, data: st.DataObject) -> None:
    end = data.draw(st.integers(first + 1, 1200))
    path = proven(first, end)
    assert Announcement.over(Frontier().extended(LEAVES[:first]), path, note(end)).checked()[1].size == end
    other = Frontier().extended((b"\x00" * 32, *LEAVES[1:first]))
    with pytest.raises(AnnouncementError):
        Announcement.over(other, path, note(end)).checked()


def proven(first: int, end: int, *, whole: bool = True) -> tuple[bytes, ...]:
    """RFC 9162 §2.1.4.1, word by word."""

    def sub(m: int, leaves: tuple[bytes, ...], *, whole: bool) -> tuple[bytes, ...]:
        if m == len(leaves):
            return () if whole else (merkle.root(leaves),)
        k = 1 << (len(leaves) - 1).bit_length() - 1
        if m <= k:
            return (*sub(m, leaves[:k], whole=whole), merkle.root(leaves[k:]))
        return (*sub(m - k, leaves[k:], whole=False), merkle.root(leaves[:k]))

    return sub(first, LEAVES[:end], whole=whole)
