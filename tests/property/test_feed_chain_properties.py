"""Whatever a broker does to a feed, what a unit takes in is the hub's feed from its start, without a gap or a repetition."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.exchange.feed_chain import ChainTip, Gap, Recipient
from adapters.exchange.feed_check import Delivered, FeedCheck, HeadSeen, Receipted, Repeated
from contracts.names import UnitId
from contracts.signed_bytes import SignedBytes
from tests.simulated_hub import PROGRAMME, SimulatedFeed, SimulatedHub

HUB = SimulatedHub()
UP = UnitId("up")
LENGTH = 12
DIRECTORY = HUB.directory


def _feed() -> tuple[list[bytes], SimulatedFeed]:
    feed = SimulatedFeed(HUB, UP)
    records = []
    for number in range(1, LENGTH + 1):
        message = HUB.message_of(UnitId("op"), number)
        records += [feed.deliver(message), feed.receipt(HUB.message_of(UP, number)), feed.head()]
    return records, feed


RECORDS, FEED = _feed()


class Journal:
    """What a reader takes in, and what it asks for."""

    def __init__(self) -> None:
        self.check = FeedCheck(Recipient(PROGRAMME, UP))
        self.tips: dict[int, ChainTip] = {}
        self.taken: list[SignedBytes] = []
        self.asked: Gap | None = None

    def read(self, record: bytes) -> None:
        match self.check.judge(record, tips=self.tips, directory=DIRECTORY):
            case Delivered(tip=tip, message=message, doubt=None) if message is not None:
                self.tips[tip.shard] = tip
                self.taken.append(message)
                self.asked = None
            case Gap() as gap:
                self.asked = gap
            case HeadSeen(gap=gap):
                self.asked = gap
            case Receipted() | Repeated():
                pass
            case other:
                raise AssertionError(other)


mangled = st.lists(st.integers(0, len(RECORDS) - 1), max_size=40)
"""Any choice of records in any order: losses, repetitions and reordering at once."""


@settings(max_examples=150)
@given(mangled)
def test_what_is_taken_is_a_beginning_of_the_feed(order: list[int]) -> None:
    journal = Journal()
    for index in order:
        journal.read(RECORDS[index])
        assert journal.taken == FEED.given[: len(journal.taken)]
        assert journal.tips.get(0) is None or journal.tips[0].sequence == len(journal.taken)


@settings(max_examples=75)
@given(mangled, st.integers(0, LENGTH - 1))
def test_a_replay_of_what_is_asked_for_completes_it(order: list[int], cut: int) -> None:
    journal = Journal()
    for index in order:
        journal.read(RECORDS[index])
    journal.read(RECORDS[-1])  # the last head
    replays = 0
    while journal.asked is not None:
        replays += 1
        assert replays <= 3
        replay = FEED.replay(journal.asked.from_sequence)
        for record in replay[: cut + 1] if replays == 1 else replay:
            journal.read(record)
        journal.read(RECORDS[-1])
    assert journal.taken == FEED.given
