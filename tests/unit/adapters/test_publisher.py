"""The outbox reaches the hub whole and in order, whatever the broker loses on the way."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from adapters.exchange.publisher import Publisher
from adapters.exchange.resend import Patience
from adapters.storage.outbox import Lane, OutboxState, Queued
from adapters.storage.unit_store import UnitStore
from contracts.envelope import parse_attributes
from contracts.feed_head import FeedHead, InboxMark
from contracts.kafka_record import from_record
from contracts.names import RecordKey, SubjectId, UnitId
from contracts.partition import partition_of
from projections.kafka.batch_producer import OutgoingRecord, SentAt
from projections.kafka.errors import BrokerUnreachableError, SendError
from tests.simulated_hub import NOON, PROGRAMME, SUBJECT, SimulatedHub, message_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

HUB = SimulatedHub()
OP = UnitId("op")
OTHER = SubjectId("r1." + "b" * 26)


class Broker:
    """Stores what it takes; can refuse from a certain record on, and be wiped."""

    def __init__(self) -> None:
        self.incarnation = "first"
        self.log: list[OutgoingRecord] = []
        self.takes: int | None = None
        self.before_answer: Callable[[], object] = lambda: None

    async def send(self, records: Sequence[OutgoingRecord]) -> list[SentAt]:
        self.before_answer()
        room = len(records) if self.takes is None else min(self.takes, len(records))
        stored = [self._store(record) for record in records[:room]]
        if room < len(records):
            error = BrokerUnreachableError(address="test", cause="full")
            raise SendError(sent=dict(enumerate(stored)), failed=dict.fromkeys(range(room, len(records)), error))
        return stored

    def _store(self, record: OutgoingRecord) -> SentAt:
        self.log.append(record)
        return SentAt(record.topic, record.partition, len(self.log) - 1, self.incarnation)

    def wipe(self) -> None:
        self.log.clear()
        self.incarnation = "second"

    def sequences(self, subject: SubjectId = SUBJECT) -> list[int]:
        attributes = [parse_attributes(record.value or b"")[0] for record in self.log]
        return [one.sequence for one in attributes if one.subject == subject]


class StillClock:
    def now(self) -> datetime:
        return NOON


class Bench:
    """A publisher over a real store, a broker in memory and a watch that the test turns."""

    def __init__(self, folder: Path) -> None:
        self.store = UnitStore.open(folder / "unit.db")
        self.broker = Broker()
        self.now = 0.0
        self.partitions: int | None = 4
        self.publisher = self.start()

    def start(self) -> Publisher:
        self.publisher = Publisher(
            store=self.store,
            sender=self.broker,
            partitions=lambda: self.partitions,
            clock=StillClock(),
            patience=Patience(),
            monotonic=lambda: self.now,
        )
        return self.publisher

    def queue(self, *numbers: int, subject: SubjectId = SUBJECT, lane: Lane = Lane.LIVE) -> None:
        queued = []
        for number in numbers:
            signed = HUB.message_of(OP, number, subject=subject)
            queued.append(Queued(parse_attributes(signed.payload)[0].id, RecordKey(subject), number, signed, lane))
        with self.store.write() as tx:
            tx.outbox.put(queued, at=NOON)

    def head(self, *marks: tuple[int, int], incarnation: str = "first") -> None:
        inbox = tuple(InboxMark(partition=p, incarnation=incarnation, next_offset=n) for p, n in marks)
        head = FeedHead(
            programme=PROGRAMME,
            recipient=OP,
            shard=0,
            generation=1,
            sequence=0,
            link="0" * 64,
            inbox=inbox,
            time=NOON,
            trust_list=1,
        )
        with self.store.write() as tx:
            tx.places.set_head(head, at=NOON)

    def accept(self, number: int) -> None:
        with self.store.write() as tx:
            tx.outbox.set_state(message_id(number), OutboxState.ACCEPTED)
        self.publisher.answered()

    async def settle(self) -> None:
        while await self.publisher.step():
            pass


PARTITION = partition_of(SUBJECT, 4)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.store.close()


async def test_messages_go_in_order_to_their_partition_with_their_exact_bytes(bench: Bench) -> None:
    bench.queue(1, 2, 3)
    await bench.settle()
    assert bench.broker.sequences() == [1, 2, 3]
    first = bench.broker.log[0]
    assert (first.topic, first.key, first.partition) == ("hub.inbox", SUBJECT.encode(), PARTITION)
    assert from_record(first.value, first.headers) == HUB.message_of(OP, 1)


async def test_nothing_is_sent_before_the_trust_list_tells_the_partition_count(bench: Bench) -> None:
    bench.partitions = None
    bench.queue(1)
    await bench.settle()
    assert bench.broker.log == []
    bench.partitions = 4
    await bench.settle()
    assert bench.broker.sequences() == [1]


async def test_live_goes_before_bulk_but_never_before_what_precedes_it(bench: Bench) -> None:
    bench.queue(*range(101, 106), subject=OTHER, lane=Lane.BULK)
    bench.queue(1, 2, lane=Lane.BULK)
    bench.queue(3)
    await bench.settle()
    subjects = [parse_attributes(record.value or b"")[0].subject for record in bench.broker.log]
    assert subjects == [SUBJECT] * 3 + [OTHER] * 5
    assert bench.broker.sequences() == [1, 2, 3]


async def test_what_the_broker_did_not_take_goes_next_and_what_it_took_not_again(bench: Bench) -> None:
    bench.queue(1, 2, 3)
    bench.broker.takes = 1
    with pytest.raises(SendError):
        await bench.publisher.step()
    bench.broker.takes = None
    await bench.settle()
    assert bench.broker.sequences() == [1, 2, 3]


async def test_a_publisher_that_died_before_it_wrote_down_the_offset_sends_the_same_bytes_again(bench: Bench) -> None:
    bench.queue(1)
    await bench.settle()
    with bench.store.write() as tx:
        tx.connection.exec_driver_sql("UPDATE outbox SET state = 'waiting', \"offset\" = NULL")
    bench.start()
    await bench.settle()
    assert bench.broker.sequences() == [1, 1]
    assert bench.broker.log[0] == bench.broker.log[1]


async def test_what_is_new_leaves_while_others_keep_the_database_from_noting_what_left_before(bench: Bench) -> None:
    both_left, stop = asyncio.Event(), asyncio.Event()

    def somebody_writes() -> None:
        if not bench.broker.log:
            bench.queue(2)
            busy.enter_context(bench.store.write())
        else:
            both_left.set()

    bench.broker.before_answer = somebody_writes
    bench.queue(1)
    running = asyncio.create_task(bench.publisher.run(stop))
    async with asyncio.timeout(30):
        with ExitStack() as busy:
            await both_left.wait()
        stop.set()
        bench.publisher.wake()
        await running
    assert bench.broker.sequences() == [1, 2]
    with bench.store.read() as tx:
        assert [one.state for one in tx.outbox.open_messages()] == [OutboxState.SENT] * 2


async def test_a_database_that_cannot_note_what_left_ends_the_publisher(bench: Bench) -> None:
    def breaks() -> None:
        with bench.store.write() as tx:
            tx.connection.exec_driver_sql("ALTER TABLE outbox RENAME COLUMN incarnation TO lost")

    bench.broker.before_answer = breaks
    bench.queue(1)
    with pytest.raises(OperationalError):
        await asyncio.wait_for(bench.publisher.run(asyncio.Event()), timeout=30)


async def test_a_head_that_passed_a_message_without_a_receipt_brings_it_again_once(bench: Bench) -> None:
    bench.queue(1, 2)
    await bench.settle()
    bench.accept(1)
    bench.head((PARTITION, 2))
    await bench.settle()
    await bench.settle()
    assert bench.broker.sequences() == [1, 2, 2]


async def test_a_wiped_broker_gets_everything_unanswered_again(bench: Bench) -> None:
    bench.queue(1, 2, 3)
    await bench.settle()
    bench.accept(1)
    bench.broker.wipe()
    bench.publisher.broker_is("second")
    await bench.settle()
    assert bench.broker.sequences() == [2, 3]


async def test_a_wiped_broker_is_noticed_by_the_next_new_message_too(bench: Bench) -> None:
    bench.queue(1)
    await bench.settle()
    bench.broker.wipe()
    bench.queue(2)
    await bench.settle()
    assert sorted(bench.broker.sequences()) == [1, 2]


async def test_silence_brings_the_oldest_again_after_a_pause_that_grows(bench: Bench) -> None:
    bench.queue(1, 2)
    await bench.settle()
    for moment, expected in ((4.9, 0), (5.0, 1), (14.9, 1), (15.0, 2), (34.9, 2), (35.0, 3)):
        bench.now = moment
        await bench.settle()
        assert bench.broker.sequences() == [1, 2] + [1] * expected


async def test_an_answer_ends_the_long_pause(bench: Bench) -> None:
    bench.queue(1, 2)
    await bench.settle()
    bench.now = 5.0
    await bench.settle()
    bench.accept(1)
    await bench.settle()
    bench.now = 10.0
    await bench.settle()
    assert bench.broker.sequences() == [1, 2, 1, 2]


async def test_at_most_512_messages_are_without_a_receipt(bench: Bench) -> None:
    bench.queue(*range(1, 601))
    await bench.settle()
    assert len(bench.broker.log) == 512
    for number in range(1, 101):
        bench.accept(number)
    await bench.settle()
    assert bench.broker.sequences() == list(range(1, 601))
