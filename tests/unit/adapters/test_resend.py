"""A message that broker or hub lost goes again; one that is merely slow does not go a thousand times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.exchange.resend import Patience, lost, marks_of
from adapters.storage.outbox import Lane, OutboxMessage, OutboxState
from contracts.feed_head import FeedHead, InboxMark
from contracts.names import RecordKey, UnitId
from tests.simulated_hub import NOON, PROGRAMME, SUBJECT, SimulatedHub, message_id

HUB = SimulatedHub()


def sent(number: int, *, offset: int, partition: int = 0, incarnation: str = "first") -> OutboxMessage:
    return OutboxMessage(
        order=number,
        message_id=message_id(number),
        record_key=RecordKey(SUBJECT),
        sequence=number,
        signed=HUB.message_of(UnitId("op"), number),
        lane=Lane.LIVE,
        state=OutboxState.SENT,
        queued_at=NOON,
        attempts=1,
        sent_at=NOON,
        partition=partition,
        offset=offset,
        incarnation=incarnation,
    )


def mark(next_offset: int, *, partition: int = 0, incarnation: str = "first") -> dict[int, InboxMark]:
    return {partition: InboxMark(partition=partition, incarnation=incarnation, next_offset=next_offset)}


def test_what_the_hub_has_not_read_yet_is_waited_for() -> None:
    assert lost([sent(1, offset=5)], incarnation="first", marks=mark(5)) == []
    assert lost([sent(1, offset=5)], incarnation=None, marks={}) == []


def test_what_the_hub_read_past_without_a_receipt_goes_again() -> None:
    one, two = sent(1, offset=5), sent(2, offset=6)
    assert lost([one, two], incarnation="first", marks=mark(6)) == [one]
    assert lost([one, two], incarnation="first", marks=mark(7)) == [one, two]


def test_marks_of_another_partition_or_another_broker_say_nothing() -> None:
    one = sent(1, offset=5)
    assert lost([one], incarnation="first", marks=mark(9, partition=1)) == []
    assert lost([one], incarnation="first", marks=mark(9, incarnation="second")) == []


def test_everything_a_lost_broker_had_goes_again_in_its_order() -> None:
    messages = [sent(1, offset=5), sent(2, offset=6), sent(3, offset=0, incarnation="second")]
    assert lost(messages, incarnation="second", marks={}) == messages[:2]


def test_a_message_resent_waits_for_the_next_head() -> None:
    again = replace(sent(1, offset=5), offset=20)
    assert lost([again], incarnation="first", marks=mark(9)) == []


def test_the_newest_head_of_each_shard_counts() -> None:
    heads = [
        FeedHead(
            programme=PROGRAMME,
            recipient=UnitId("op"),
            shard=shard,
            generation=1,
            sequence=0,
            link="0" * 64,
            inbox=(InboxMark(partition=shard, incarnation="first", next_offset=3 + shard),),
            time=NOON,
            trust_list=1,
        )
        for shard in (0, 1)
    ]
    assert {p: m.next_offset for p, m in marks_of(heads).items()} == {0: 3, 1: 4}


def test_silence_makes_pauses_longer_up_to_five_minutes_and_an_answer_makes_them_short() -> None:
    patience = Patience()
    now, pauses = 0.0, []
    patience.waiting(now)
    for _ in range(9):
        left = patience.left(now)
        assert left is not None
        assert not patience.over(now + left - 0.001)
        now += left
        assert patience.over(now)
        pauses.append(left)
        patience.sent_again(now)
        patience.waiting(now)
    assert pauses == pytest.approx([5, 10, 20, 40, 80, 160, 300, 300, 300])
    patience.answered()
    assert patience.left(now) is None
    patience.waiting(now)
    assert patience.left(now) == 5
