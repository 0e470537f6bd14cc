"""What a sender may believe about its records: stored where, in which cluster, in which order, or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiokafka.structs import TopicPartition

from deploy.servers.embedded_broker import EmbeddedBroker
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord, SentAt
from projections.kafka.connection import KafkaConnection
from projections.kafka.errors import (
    BrokerUnreachableError,
    MessageTooLargeError,
    SendError,
    TopicMissingError,
    TransportError,
)
from projections.kafka.in_flight import InFlight
from projections.kafka.resuming_consumer import ResumingConsumer
from projections.kafka.sign_in import SignIn
from tests.integration.kafka_rig import EmbeddedRig, KafkaRig, Reader, Rig, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.servers.kafka_broker import KafkaBroker
    from projections.kafka.positions import RawRecord


@pytest.fixture(scope="module")
def embedded_rig() -> Iterator[Rig]:
    with EmbeddedBroker() as server:
        yield EmbeddedRig(server)


def record(topic: str, value: bytes, *, partition: int = 0) -> OutgoingRecord:
    return OutgoingRecord(topic, partition, b"key", value, (("content-type", b"application/cloudevents+json"),))


async def stored(rig: Rig, topic: str, count: int, *, partition: int = 0) -> list[RawRecord]:
    """The first `count` records of a partition."""
    consumer = ResumingConsumer(connection=rig.connection, positions=Reader().positions)
    consumer.assign([TopicPartition(topic, partition)])
    await consumer.start()
    found: list[RawRecord] = []
    try:
        async with asyncio.timeout(20):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found.extend(records)
    finally:
        await consumer.stop()
    return found


class ProducerContract:
    """Holds on every broker."""

    async def test_records_of_a_partition_keep_their_order_over_many_batches(self, rig: Rig) -> None:
        topic = rig.topic()
        records = [record(topic, b"%04d" % n, partition=n % 2) for n in range(400)]
        async with BatchProducer(connection=rig.connection, batch_bytes=5_000) as producer:
            sent = await producer.send(records)
        for partition in (0, 1):
            found = await stored(rig, topic, 200, partition=partition)
            assert [each.value for each in found] == [b"%04d" % n for n in range(partition, 400, 2)]
            assert [each.offset for each in sent if each.partition == partition] == [each.offset for each in found]
            assert {each.incarnation for each in sent} == {each.incarnation for each in found}
        assert found[0].key == b"key"
        assert found[0].headers == (("content-type", b"application/cloudevents+json"),)

    async def test_concurrent_calls_for_one_partition_do_not_mix(self, rig: Rig) -> None:
        topic = rig.topic()
        async with BatchProducer(connection=rig.connection, batch_bytes=2_000) as producer:
            await asyncio.gather(*(producer.send([record(topic, b"%d" % call)] * 50) for call in range(4)))
        values = [each.value for each in await stored(rig, topic, 200)]
        assert values == sorted(values, key=lambda value: int(value or b""))

    async def test_a_record_that_is_too_large_names_itself_and_what_stands_behind_it(self, rig: Rig) -> None:
        topic = rig.topic()
        records = [record(topic, b"a"), record(topic, b"x" * 10_000), record(topic, b"c")]
        other = record(topic, b"elsewhere", partition=1)
        async with BatchProducer(connection=rig.connection, batch_bytes=5_000) as producer:
            with pytest.raises(SendError) as caught:
                await producer.send([*records, other])
        assert caught.value.unacknowledged == (1, 2)
        assert isinstance(caught.value.failed[1], MessageTooLargeError)
        assert caught.value.sent[3].partition == 1
        assert [each.value for each in await stored(rig, topic, 1)] == [b"a"]

    async def test_a_partition_that_is_not_there_fails_alone(self, rig: Rig) -> None:
        topic = rig.topic()
        async with BatchProducer(connection=rig.connection) as producer:
            with pytest.raises(SendError) as caught:
                await producer.send([record(topic, b"a"), record(topic, b"b", partition=99)])
        assert caught.value.unacknowledged == (1,)
        assert isinstance(caught.value.failed[1], TopicMissingError)

    async def test_an_empty_value_and_no_value_stay_different(self, rig: Rig) -> None:
        topic = rig.topic()
        async with BatchProducer(connection=rig.connection) as producer:
            await producer.send([record(topic, b""), OutgoingRecord(topic, 0, b"key", None)])
        assert [each.value for each in await stored(rig, topic, 2)] == [b"", None]

    async def test_a_broker_that_came_back_empty_is_named_by_another_incarnation(self, rig: Rig) -> None:
        topic = rig.topic()
        async with BatchProducer(connection=rig.connection) as producer:
            (before,) = await producer.send([record(topic, b"a")])
            rig.lose_everything(topic)
            after = await self._send_until_acknowledged(producer, record(topic, b"b"))
        assert after.incarnation != before.incarnation
        assert {each.incarnation for each in await stored(rig, topic, 1)} == {after.incarnation}

    async def test_a_hanging_broker_is_given_up_and_used_again_when_it_wakes(self, rig: Rig) -> None:
        topic = rig.topic()
        async with BatchProducer(connection=rig.connection) as producer:
            await producer.send([record(topic, b"a")])
            rig.server.pause()
            try:
                with pytest.raises(SendError, match="No Kafka broker answered"):
                    await producer.send([record(topic, b"b")])
            finally:
                rig.server.resume()
            await self._send_until_acknowledged(producer, record(topic, b"c"))

    async def test_many_topics_are_warmed_up_at_once(self, rig: Rig) -> None:
        topics = [rig.topic() for _ in range(5)]
        async with BatchProducer(connection=rig.connection) as producer:
            await producer.set_topics(topics)
            sent = await producer.send([record(topic, b"a") for topic in topics])
        assert [(each.topic, each.offset) for each in sent] == [(topic, 0) for topic in topics]

    async def _send_until_acknowledged(self, producer: BatchProducer, outgoing: OutgoingRecord) -> SentAt:
        """As an outbox does: the same record again until the broker has it."""
        async with asyncio.timeout(30):
            while True:
                try:
                    return (await producer.send([outgoing]))[0]
                except SendError:
                    continue


@pytest.mark.embedded
class TestOnTheEmbeddedBroker(ProducerContract):
    @pytest.fixture
    def rig(self, embedded_rig: Rig) -> Rig:
        return embedded_rig


@pytest.mark.kafka
class TestOnRealKafka(ProducerContract):
    @pytest.fixture
    def rig(self, kafka_broker: KafkaBroker) -> Rig:
        return KafkaRig(kafka_broker)

    async def test_a_missing_topic_is_named(self, rig: Rig) -> None:
        async with BatchProducer(connection=rig.connection) as producer:
            with pytest.raises(SendError, match="nowhere does not exist") as caught:
                await producer.send([record("nowhere", b"a")])
        assert isinstance(caught.value.failed[0], TopicMissingError)

    async def test_a_batch_larger_than_the_topic_takes_is_split(self, rig: Rig) -> None:
        assert isinstance(rig, KafkaRig)
        topic = f"small.{rig.topic()}"
        rig.server.create_topic(topic, configs={"max.message.bytes": "3000"})
        await send(rig, topic, *[b"." * 1000] * 8)
        assert len(await stored(rig, topic, 8)) == 8

    async def test_a_password_where_none_is_wanted_is_an_advice_not_a_riddle(self, rig: Rig) -> None:
        wrong = KafkaConnection(
            bootstrap=rig.connection.bootstrap,
            request_timeout=2.0,
            security_protocol="SASL_PLAINTEXT",
            sign_in=lambda: SignIn("unit", "wrong"),
        )
        with pytest.raises(BrokerUnreachableError, match="user name or password"):
            await BatchProducer(connection=wrong).start()
        assert "wrong" not in repr(wrong)


async def test_an_address_that_nobody_published_yet_is_reported_per_record() -> None:
    def unpublished() -> str:
        raise FileNotFoundError("run state")

    producer = BatchProducer(connection=KafkaConnection(bootstrap=unpublished))
    with pytest.raises(SendError, match="run state") as caught:
        await producer.send([record("t", b"a")])
    assert isinstance(caught.value.failed[0], TransportError)


async def test_what_is_in_flight_stays_below_its_limit() -> None:
    room = InFlight(10)
    order: list[str] = []
    first_may_end = asyncio.Event()

    async def take(name: str, size: int) -> None:
        async with room.taken(size):
            order.append(name)
            if name == "first":
                await first_may_end.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(take("first", 8))
        tasks.create_task(take("second", 8))
        await tasks.create_task(take("third", 2))
        assert order == ["first", "third"]
        first_may_end.set()
    await take("larger than all", 100)
    assert order == ["first", "third", "second", "larger than all"]
