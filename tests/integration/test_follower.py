"""The follower hands over every batch until it is done, whatever handler, records and broker do."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiokafka.structs import TopicPartition

from deploy.servers.embedded_broker import EmbeddedBroker
from projections.kafka import faststream_drive
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.errors import TransportError
from projections.kafka.faststream_drive import DrivenConsumer, FastStreamDrive
from projections.kafka.follower import TopicFollower
from projections.kafka.plain_drive import PlainDrive
from tests.integration.kafka_rig import EmbeddedRig, KafkaRig, Reader, Rig, send, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from faststream.kafka.message import KafkaMessage

    from deploy.servers.kafka_broker import KafkaBroker
    from projections.kafka.drive import Drive
    from projections.kafka.follower import OnError
    from projections.kafka.positions import RawRecord


@pytest.fixture(scope="module")
def embedded_rig() -> Iterator[Rig]:
    with EmbeddedBroker() as server:
        yield EmbeddedRig(server)


@pytest.fixture(params=[FastStreamDrive, PlainDrive])
def drive(request: pytest.FixtureRequest) -> Drive:
    made: Drive = request.param()
    return made


@asynccontextmanager
async def following(
    rig: Rig, topic: str, reader: Reader, drive: Drive | None = None, *, on_error: OnError | None = None
) -> AsyncIterator[TopicFollower]:
    """A follower that runs as long as the block."""
    follower = TopicFollower(
        connection=rig.connection,
        partitions=[TopicPartition(topic, 0), TopicPartition(topic, 1)],
        positions=reader.positions,
        handle=reader.handle,
        on_error=on_error,
        watch=reader,
        drive=drive,
        check_every=0.5,
        pause_at_most=0.05,
    )
    stop = asyncio.Event()
    running = asyncio.create_task(follower.run(stop))
    try:
        yield follower
    finally:
        stop.set()
        await asyncio.wait_for(running, timeout=30)


class FollowerContract:
    """Holds on every broker, with every drive."""

    async def test_a_bad_header_among_500_good_records_costs_none(self, rig: Rig, drive: Drive) -> None:
        topic, reader = rig.topic(), Reader()
        records = [OutgoingRecord(topic, 0, None, b"%d" % n, (("correlation_id", b"x"),)) for n in range(500)]
        records[250] = OutgoingRecord(topic, 0, None, b"250", (("content-type", b"\xff\xfe"), ("reply_to", b"\xff")))
        records[0] = OutgoingRecord(topic, 0, None, b"0", (("content-type", b"\xff"),))
        async with BatchProducer(connection=rig.connection) as producer:
            await producer.send(records)
        async with following(rig, topic, reader, drive):
            await until(lambda: len(reader.records) >= 500)
        assert reader.values == [record.value for record in records]
        assert reader.records[250].headers == records[250].headers

    async def test_a_batch_whose_handler_fails_twice_comes_a_third_time(self, rig: Rig, drive: Drive) -> None:
        topic, reader = rig.topic(), Reader()
        reader.fail_times = 2
        told: list[int] = []

        async def on_error(error: Exception, attempt: int) -> None:
            assert isinstance(error, ConnectionError)
            told.append(attempt)

        await send(rig, topic, b"a", b"b")
        async with following(rig, topic, reader, drive, on_error=on_error):
            await until(lambda: len(reader.records) >= 2)
            await send(rig, topic, b"c")
            await until(lambda: len(reader.records) >= 3)
        assert reader.values == [b"a", b"b", b"c"]
        assert reader.attempts[:3] == [(b"a", b"b")] * 3
        assert told == [1, 2]

    async def test_a_stop_during_failures_leaves_the_batch_undone_and_touches_none_behind_it(
        self, rig: Rig, drive: Drive
    ) -> None:
        topic, reader = rig.topic(), Reader()
        reader.fail_times = 1_000_000
        await send(rig, topic, b"a")
        async with following(rig, topic, reader, drive):
            await until(lambda: reader.attempts)
            await send(rig, topic, b"b")
        assert set(reader.attempts) == {(b"a",)}
        reader.fail_times = 0
        async with following(rig, topic, reader, drive):
            await until(lambda: len(reader.records) >= 2)
        assert reader.values == [b"a", b"b"]

    async def test_a_rewind_drops_the_batch_in_hand_and_reads_from_the_stored_position(
        self, rig: Rig, drive: Drive
    ) -> None:
        topic, reader = rig.topic(), Reader()
        followers: list[TopicFollower] = []

        async def on_error(error: Exception, attempt: int) -> None:
            del error, attempt
            reader.keep([])
            followers[0].rewind()

        await send(rig, topic, b"a")
        async with following(rig, topic, reader, drive, on_error=on_error) as follower:
            followers.append(follower)
            await until(lambda: len(reader.records) >= 1)
            reader.fail_times = 1
            await send(rig, topic, b"b", b"c")
            await until(lambda: len(reader.records) >= 3)
        assert reader.values == [b"a", b"b", b"c"]

    async def test_two_partitions_each_keep_their_order(self, rig: Rig, drive: Drive) -> None:
        topic, reader = rig.topic(), Reader()
        async with following(rig, topic, reader, drive), BatchProducer(connection=rig.connection) as producer:
            for start in range(0, 1000, 50):
                await producer.send([OutgoingRecord(topic, n % 2, None, b"%d" % n) for n in range(start, start + 50)])
            await until(lambda: len(reader.records) >= 1000)
        for partition in (0, 1):
            seen = [int(record.value or b"") for record in reader.records if record.partition == partition]
            assert seen == list(range(partition, 1000, 2))

    async def test_a_broker_that_hangs_and_wakes_up_delays_records_but_loses_none(self, rig: Rig, drive: Drive) -> None:
        topic, reader = rig.topic(), Reader()
        async with following(rig, topic, reader, drive):
            await send(rig, topic, b"a")
            await until(lambda: len(reader.records) >= 1)
            rig.server.pause()
            try:
                with pytest.raises(TransportError):  # gives up after the request timeout, not when the broker wakes up
                    await send(rig, topic, b"lost for now")
                await until(lambda: reader.rebuilt)
            finally:
                rig.server.resume()
            await send(rig, topic, b"b")
            await until(lambda: b"b" in reader.values)
        assert [value for value in reader.values if value != b"lost for now"] == [b"a", b"b"]

    async def test_a_broker_that_comes_back_empty_is_followed_from_its_start(self, rig: Rig, drive: Drive) -> None:
        topic, reader = rig.topic(), Reader()
        async with following(rig, topic, reader, drive):
            await send(rig, topic, b"a", b"b")
            await until(lambda: len(reader.records) >= 2)
            rig.lose_everything(topic)
            await send(rig, topic, b"x", b"b", b"z", b"and beyond")
            await until(lambda: len(reader.records) >= 6)
        assert reader.values == [b"a", b"b", b"x", b"b", b"z", b"and beyond"]
        assert reader.lost

    async def test_timers_learn_until_when_nothing_is_missing(self, rig: Rig, drive: Drive) -> None:
        topic, reader = rig.topic(), Reader()
        place = TopicPartition(topic, 0)
        reader.fail_times = 1_000_000
        await send(rig, topic, b"a")
        async with following(rig, topic, reader, drive) as follower:
            await until(lambda: reader.attempts)
            assert follower.caught_up_since(place) is None
            assert follower.lag()[place] == 1
            reader.fail_times = 0
            deadline = time.monotonic()
            await until(lambda: reader.records)
            await follower.observe_end_offsets()
            await until(lambda: (follower.caught_up_since(place) or 0) > deadline)
            assert follower.lag()[place] == 0
            assert follower.end_offsets()[place][1] == 1

    async def test_a_paused_follower_takes_nothing_until_it_is_resumed(self, rig: Rig, drive: Drive) -> None:
        topic, reader = rig.topic(), Reader()
        async with following(rig, topic, reader, drive) as follower:
            await send(rig, topic, b"a")
            await until(lambda: len(reader.records) >= 1)
            follower.pause()
            await follower.observe_end_offsets()
            await send(rig, topic, b"b")
            await until(lambda: follower.lag().get(TopicPartition(topic, 0)) == 1)
            follower.resume()
            await until(lambda: len(reader.records) >= 2)
        assert reader.values == [b"a", b"b"]


@pytest.mark.embedded
class TestOnTheEmbeddedBroker(FollowerContract):
    @pytest.fixture
    def rig(self, embedded_rig: Rig) -> Rig:
        return embedded_rig

    async def test_a_follower_started_before_its_broker_waits_for_it(self, rig: Rig, drive: Drive) -> None:
        topic, reader = rig.topic(), Reader()
        rig.server.kill()
        async with following(rig, topic, reader, drive):
            await until(lambda: reader.rebuilt)
            rig.server.start()
            await send(rig, topic, b"a")
            await until(lambda: reader.records)
        assert reader.values == [b"a"]

    async def test_faststream_still_takes_our_consumer_from_its_builder(self, rig: Rig) -> None:
        """The builder is not public: when this breaks, pass `PlainDrive()` and tell FastStream's authors."""
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, b"a")
        async with following(rig, topic, reader, FastStreamDrive()) as follower:
            await until(lambda: reader.records)
            assert isinstance(follower._consumer, DrivenConsumer)
            assert follower._consumer.assignment() == {TopicPartition(topic, 0), TopicPartition(topic, 1)}

    async def test_a_batch_that_faststream_drops_on_its_way_is_read_again(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        topic, reader = rig.topic(), Reader()
        parse = faststream_drive._parse
        broken = [True]

        async def parse_badly(batch: tuple[RawRecord, ...]) -> KafkaMessage:
            if broken and broken.pop():
                raise ValueError("FastStream swallows this and polls on")
            return await parse(batch)

        monkeypatch.setattr(faststream_drive, "_parse", parse_badly)
        await send(rig, topic, b"a", b"b")
        async with following(rig, topic, reader, FastStreamDrive()):
            await until(lambda: len(reader.records) >= 2)
        assert reader.values == [b"a", b"b"]
        assert reader.rebuilt == ["transport"]


@pytest.mark.kafka
class TestOnRealKafka(FollowerContract):
    @pytest.fixture
    def rig(self, kafka_broker: KafkaBroker) -> Rig:
        return KafkaRig(kafka_broker)

    async def test_a_topic_that_is_made_later_is_followed_then(self, rig: Rig, drive: Drive) -> None:
        assert isinstance(rig, KafkaRig)
        topic, reader = "made.later", Reader()
        async with following(rig, topic, reader, drive):
            await until(lambda: "topic-missing" in reader.rebuilt)
            rig.server.create_topic(topic, partitions=2)
            await send(rig, topic, b"a")
            await until(lambda: reader.records)
        rig.server.delete_topic(topic)
        assert reader.values == [b"a"]
