"""Where a reader goes on after its broker was restarted, wiped, refilled or trimmed: nothing may be skipped."""

from __future__ import annotations

import asyncio
import gzip
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock

import cramjam
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record._crecords import default_records
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from deploy.servers.embedded_broker import EmbeddedBroker
from projections.kafka import bounded_codecs
from projections.kafka.connection import KafkaConnection
from projections.kafka.errors import BrokerReplacedError, BrokerUnreachableError, TopicMissingError
from projections.kafka.positions import InputPosition
from projections.kafka.record_batch import UNREADABLE
from projections.kafka.resuming_consumer import ResumingConsumer
from tests.integration.kafka_rig import EmbeddedRig, KafkaRig, Reader, Rig, send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from deploy.servers.kafka_broker import KafkaBroker


@asynccontextmanager
async def consumer(
    rig: Rig, topic: str, reader: Reader, *, check_every: float = 10.0
) -> AsyncIterator[ResumingConsumer]:
    made = ResumingConsumer(
        connection=rig.connection, positions=reader.positions, on_lost=reader.input_lost, check_every=check_every
    )
    made.assign([TopicPartition(topic, 0)])
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def read(source: ResumingConsumer, reader: Reader, count: int) -> None:
    """Poll until the reader has `count` records."""
    async with asyncio.timeout(20):
        while len(reader.records) < count:
            for records in (await source.getmany(timeout_ms=100, max_records=500)).values():
                reader.keep(records)


async def send_packed(rig: Rig, topic: str, codec: str, value: bytes, *, count: int = 1) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=rig.server.bootstrap, compression_type=codec, max_batch_size=2**30, max_request_size=2**30
    )
    await producer.start()
    try:
        batch = producer.create_batch()
        for _ in range(count):
            batch.append(timestamp=None, key=None, value=value)
        await (await producer.send_batch(batch, topic, partition=0))
    finally:
        await producer.stop()


async def send_with_bad_header_name(rig: Rig, topic: str, *values: bytes, bad: int) -> None:
    """One batch in which the record `bad` has a header whose name is no UTF-8; no client library writes that."""
    producer = AIOKafkaProducer(bootstrap_servers=rig.server.bootstrap, max_batch_size=900_000)
    await producer.start()
    try:
        batch = producer.create_batch()
        for index, value in enumerate(values):
            batch.append(timestamp=1, key=None, value=value, headers=[("name" if index == bad else "fine", b"v")])
        raw = bytearray(batch._build())
        at = raw.index(b"name")
        raw[at : at + 4] = b"\xff\xfe\xff\xfe"
        struct.pack_into(">I", raw, 17, calc_crc32c(bytes(raw[21:])))
        batch._buffer = raw
        await (await producer.send_batch(batch, topic, partition=0))
    finally:
        await producer.stop()


@pytest.fixture(scope="module")
def embedded_rig() -> Iterator[Rig]:
    with EmbeddedBroker() as server:
        yield EmbeddedRig(server)


class ResumeContract:
    """Holds on every broker."""

    async def test_a_restarted_reader_gets_only_what_it_has_not_stored(self, rig: Rig) -> None:
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, b"a", b"b", b"c")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 3)
        await send(rig, topic, b"d", b"e")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 5)
        assert reader.values == [b"a", b"b", b"c", b"d", b"e"]
        assert reader.lost == []

    async def test_a_broker_wiped_and_refilled_beyond_the_position_hides_nothing(self, rig: Rig) -> None:
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, b"a", b"b")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 2)
            before = source.incarnation
        rig.lose_everything(topic)
        await send(rig, topic, b"x", b"b", b"y", b"z")  # at the stored place is the very record that was read there
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 6)
            assert source.incarnation != before
        assert reader.values[2:] == [b"x", b"b", b"y", b"z"]
        assert {record.incarnation for record in reader.records[2:]} != {before}
        assert [(resume.offset, resume.lost) for resume in reader.lost] == [(0, True)]

    async def test_a_wipe_under_a_connected_reader_gives_no_record_as_the_old_brokers(self, rig: Rig) -> None:
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, b"a")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 1)
            rig.lose_everything(topic)
            await send(rig, topic, b"x", b"y", b"z")
            with pytest.raises((BrokerReplacedError, BrokerUnreachableError)):
                await read(source, reader, 2)
        assert reader.values == [b"a"]

    async def test_another_record_at_the_stored_place_means_reading_from_the_start(self, rig: Rig) -> None:
        topic, reader = rig.topic(), Reader()
        (first, *_) = await send(rig, topic, b"a", b"b", b"c")
        reader.stored[TopicPartition(topic, 0)] = InputPosition(topic, 0, 2, first.incarnation, b"\x00" * 32)
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 3)
        assert reader.values == [b"a", b"b", b"c"]
        assert [resume.lost for resume in reader.lost] == [True]

    async def test_a_position_beyond_the_end_means_reading_from_the_start(self, rig: Rig) -> None:
        topic, reader = rig.topic(), Reader()
        (first,) = await send(rig, topic, b"a")
        reader.stored[TopicPartition(topic, 0)] = InputPosition(topic, 0, 5000, first.incarnation, b"\x00" * 32)
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 1)
        assert reader.values == [b"a"]

    async def test_the_periodic_check_moves_nothing_when_all_is_well(self, rig: Rig) -> None:
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, *[b"%d" % n for n in range(50)])
        async with consumer(rig, topic, reader, check_every=0.0) as source:
            async with asyncio.timeout(20):
                while len(reader.records) < 50:
                    for records in (await source.getmany(timeout_ms=100, max_records=7)).values():
                        reader.keep(records)
        assert reader.values == [b"%d" % n for n in range(50)]
        assert reader.lost == []

    async def test_a_rewind_reads_again_what_was_not_stored(self, rig: Rig) -> None:
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, b"a", b"b", b"c")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 3)
            reader.stored[TopicPartition(topic, 0)] = InputPosition.behind(reader.records[0])
            source.rewind()
            await read(source, reader, 5)
        assert reader.values == [b"a", b"b", b"c", b"b", b"c"]

    async def test_a_partition_that_is_not_there_is_an_error_not_silence(self, rig: Rig) -> None:
        topic = rig.topic()
        await send(rig, topic, b"a")
        made = ResumingConsumer(connection=rig.connection, positions=Reader().positions)
        made.assign([TopicPartition(topic, 99)])
        with pytest.raises(TopicMissingError, match="Partition 99"):
            await made.start()

    async def test_a_header_name_nobody_can_decode_costs_no_record(self, rig: Rig) -> None:
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, b"before")
        await send_with_bad_header_name(rig, topic, *[b"%d" % n for n in range(20)], bad=7)
        await send(rig, topic, b"behind")
        async with consumer(rig, topic, reader, check_every=0.0) as source:
            await read(source, reader, 22)
        assert reader.values == [b"before", *[b"%d" % n for n in range(20)], b"behind"]
        assert [record.offset for record in reader.records] == list(range(22))
        assert reader.records[8].headers[0][0].encode("utf-8", "surrogateescape") == b"\xff\xfe\xff\xfe"
        assert reader.lost == []

    @pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
    async def test_a_compressed_batch_is_read_like_any_other(self, rig: Rig, codec: str) -> None:
        topic, reader = rig.topic(), Reader()
        await send_packed(rig, topic, codec, b"packed" * 1000, count=30)
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 30)
        assert reader.values == [b"packed" * 1000] * 30


@pytest.mark.embedded
class TestOnTheEmbeddedBroker(ResumeContract):
    @pytest.fixture
    def rig(self, embedded_rig: Rig) -> Rig:
        return embedded_rig

    async def test_what_the_mock_dropped_beyond_5_mib_is_reported_and_the_rest_is_read(self, rig: Rig) -> None:
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, b"first")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 1)
        sent = [b"%03d" % n + b"." * 100_000 for n in range(80)]
        await send(rig, topic, *sent)
        async with consumer(rig, topic, reader) as source:
            begin = (await source.beginning_offsets([TopicPartition(topic, 0)]))[TopicPartition(topic, 0)]
            await read(source, reader, 1 + 81 - begin)
        assert begin > 1
        assert reader.values[1:] == sent[begin - 1 :]
        assert [(resume.offset, resume.lost) for resume in reader.lost] == [(begin, True)]

    @pytest.mark.parametrize("codec", ["gzip", "zstd"])
    async def test_a_bomb_is_kept_packed_and_what_follows_is_read(self, rig: Rig, codec: str) -> None:
        topic, reader = rig.topic(), Reader()
        await send_packed(rig, topic, codec, b"\x00" * (bounded_codecs.LIMIT + 1))
        await send(rig, topic, b"behind")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 2)
        bomb, behind = reader.records
        assert bomb.headers[0][0] == UNREADABLE
        assert len(bomb.value or b"") < 100_000
        assert behind.value == b"behind"


@pytest.mark.kafka
class TestOnRealKafka(ResumeContract):
    @pytest.fixture
    def rig(self, kafka_broker: KafkaBroker) -> Rig:
        return KafkaRig(kafka_broker)

    async def test_a_missing_topic_is_an_error_not_silence(self, rig: Rig) -> None:
        made = ResumingConsumer(connection=rig.connection, positions=Reader().positions)
        made.assign([TopicPartition("nowhere", 0)])
        with pytest.raises(TopicMissingError, match="nowhere"):
            await made.start()

    async def test_a_topic_made_anew_under_a_connected_reader_is_read_from_its_start(self, rig: Rig) -> None:
        assert isinstance(rig, KafkaRig)
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, b"a")
        async with consumer(rig, topic, reader, check_every=0.5) as source:
            await read(source, reader, 1)
            rig.server.delete_topic(topic)
            with pytest.raises((TopicMissingError, BrokerUnreachableError)):
                await read(source, reader, 2)
        rig.server.create_topic(topic, partitions=2)
        await send(rig, topic, b"x", b"y", b"z")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 4)
        assert reader.values == [b"a", b"x", b"y", b"z"]

    async def test_records_over_an_unchecked_connection_are_thrown_away(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A broker that is wiped, refilled and back within one poll: the check before the poll saw the old one."""
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, b"a")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 1)
            monkeypatch.setattr(source, "_before_poll", AsyncMock())
            rig.lose_everything(topic)
            with ThreadPoolExecutor() as aside:  # so that the reader sees nothing before the refill
                aside.submit(asyncio.run, send(rig, topic, b"x", b"y", b"z")).result()
            with pytest.raises(BrokerReplacedError, match="cluster"):
                await read(source, reader, 2)
        assert reader.values == [b"a"]

    async def test_trimmed_records_are_no_loss_when_they_were_read(self, rig: Rig) -> None:
        assert isinstance(rig, KafkaRig)
        topic, reader = rig.topic(), Reader()
        await send(rig, topic, b"a", b"b")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 2)
        rig.server.delete_records(topic, partition=0, before=2)
        await send(rig, topic, b"c")
        async with consumer(rig, topic, reader) as source:
            await read(source, reader, 3)
        assert reader.values == [b"a", b"b", b"c"]
        assert reader.lost == []


async def test_no_broker_at_all_says_what_to_check() -> None:
    made = ResumingConsumer(
        connection=KafkaConnection(bootstrap=lambda: "127.0.0.1:1", request_timeout=1.0), positions=Reader().positions
    )
    made.assign([TopicPartition("t", 0)])
    with pytest.raises(BrokerUnreachableError, match="password"):
        await made.start()


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        ("gzip", gzip.compress(b"\x00" * (bounded_codecs.LIMIT + 1))),
        ("zstd", bytes(cramjam.zstd.compress(b"\x00" * (bounded_codecs.LIMIT + 1)))),
        ("lz4", bytes(cramjam.lz4.compress(b"\x00" * (bounded_codecs.LIMIT + 1)))),
        ("snappy", bytes(cramjam.snappy.compress_raw(b"\x00" * (bounded_codecs.LIMIT + 1)))),
    ],
)
def test_the_parser_that_aiokafka_uses_calls_the_bounded_codecs(codec: str, packed: bytes) -> None:
    """Watches names that are not public: an aiokafka that renamed them would unpack bombs again."""
    bounded_codecs.install()
    unpack: Any = getattr(default_records, f"{codec}_decode")
    with pytest.raises(bounded_codecs.UnpackError, match="unpacks to more"):
        unpack(packed)
