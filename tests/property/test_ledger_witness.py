"""A witness over random announcements: one history never rings, however it is told; two histories ring at the first announcement that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.exchange.ledger_check import Behind, Forked, Grown, Past, Rewound, Same, Verdict, judge
from contracts.ledger.announcement import Announcement
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.frontier import Frontier
from contracts.ledger.signed_note import NoteSigner, sign
from contracts.ledger.stretch import Stretch
from contracts.merkle import leaf_hash, root

LOG = NoteSigner("spojka/decin/0", b"\x01" * 32)
MOST = 40
ranges = st.tuples(st.integers(0, MOST), st.integers(1, MOST)).map(lambda pair: (min(pair), max(*pair, 1)))


def history(name: str) -> tuple[bytes, ...]:
    return tuple(leaf_hash(f"{name} {number}".encode()) for number in range(MOST))


def announced(leaves: tuple[bytes, ...], first: int, size: int) -> Announcement:
    note = sign(Checkpoint(LOG.name, size, root(leaves[:size])).text, [LOG])
    return Announcement.of(Stretch(Frontier().extended(leaves[:first]), leaves[first:size]), note)


@dataclass
class Witness:
    """What a unit keeps, in memory."""

    last: Checkpoint | None = None
    seen: dict[int, bytes] = field(default_factory=dict)

    def read(self, one: Announcement) -> Verdict:
        verdict = judge(one, keys=[LOG.key], last=self.last, seen=self.seen.get)
        if isinstance(verdict, Grown):
            self.last = verdict.head
            self.seen[verdict.head.size] = verdict.head.root
        return verdict


@settings(deadline=None)
@given(st.lists(ranges, min_size=1, max_size=12))
def test_one_history_told_in_pieces_is_never_a_fork_and_a_rewind_only_where_a_size_was_never_shown(
    pieces: list[tuple[int, int]],
) -> None:
    witness, true = Witness(), history("true")
    for first, size in pieces:
        before = 0 if witness.last is None else witness.last.size
        known = set(witness.seen)
        match witness.read(announced(true, first, size)):
            case Grown(head=head):
                assert head.size == size > before or before == 0
            case Same():
                assert size == before
            case Past():
                assert size < before
                assert size in known
            case Rewound():
                assert size < before
                assert size not in known
            case Behind():
                assert first > before > 0
            case Forked():
                raise AssertionError("there is one history only")


@settings(deadline=None)
@given(st.integers(0, MOST - 1), st.lists(ranges, max_size=6), st.data())
def test_two_histories_ring_as_soon_as_an_announcement_tells_both_where_they_part(
    parts_at: int, pieces: list[tuple[int, int]], data: st.DataObject
) -> None:
    witness, true = Witness(), history("true")
    other = (*true[:parts_at], *history("other")[parts_at:])
    for first, size in pieces:
        witness.read(announced(true, first, size))
    if witness.last is None or witness.last.size <= parts_at:
        witness.read(announced(true, 0, MOST))
    assert witness.last is not None
    seen = witness.last.size
    first = data.draw(st.integers(0, seen))
    size = data.draw(st.integers(seen, MOST))
    assert isinstance(witness.read(announced(other, first, size)), Forked)
    assert witness.last.size == seen, "nothing moved on"
