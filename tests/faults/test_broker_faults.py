"""Whatever the broker does or forgets, and whatever strangers put there: what units send is decided once and given once."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Literal

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from projections.kafka import bounded_codecs
from projections.kafka.batch_producer import OutgoingRecord
from tests.faults.district import District, until
from tests.faults.kinds import EMBEDDED, KAFKA
from tests.faults.load import under_load
from tests.faults.mortal_broker import MortalKafka
from tests.simulation.programme import PARTITIONS

pytestmark = pytest.mark.timeout(600)

LOST = "no longer has what was read"
REBUILT = "Kafka client rebuilt"


async def send_packed(district: District, codec: Literal["gzip", "zstd"], value: bytes, partition: int) -> None:
    """A batch of one record, packed by its sender."""
    producer = AIOKafkaProducer(
        bootstrap_servers=district.broker.bootstrap,
        compression_type=codec,
        max_batch_size=2**30,
        max_request_size=2**30,
    )
    await producer.start()
    try:
        batch = producer.create_batch()
        batch.append(timestamp=None, key=b"packed", value=value)
        await (await producer.send_batch(batch, "hub.inbox", partition=partition))
    finally:
        await producer.stop()


def dead_letters(district: District) -> int:
    ((count,),) = district.hub.log("SELECT count(*) FROM dead_letter")
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("district", [EMBEDDED, KAFKA], indirect=True)
async def test_a_packed_batch_and_a_bomb_cost_nobody_else_anything(district: District) -> None:
    before = dead_letters(district)
    async with under_load(district) as load:
        for partition in range(PARTITIONS):
            await send_packed(district, "zstd", b"no envelope " * 100, partition)
            with suppress(MessageSizeTooLargeError):  # real Kafka unpacks at the door
                await send_packed(district, "gzip", b"\x00" * (bounded_codecs.LIMIT + 1), partition)
            assert await load.more(10, within=60)
        await until(lambda: dead_letters(district) >= before + PARTITIONS)


@pytest.mark.parametrize("district", [EMBEDDED, KAFKA], indirect=True)
async def test_a_broker_lost_and_refilled_beyond_what_was_read_hides_nothing(district: District) -> None:
    lost, before = district.said_in_log("intake", LOST), dead_letters(district)
    async with under_load(district) as load:
        await load.more(30, within=60)
        district.hub.kill("intake")
        offsets = district.hub.log("SELECT partition, next_offset FROM input_position")
        await asyncio.to_thread(district.broker_fails, loses_everything=True)
        junk = [
            OutgoingRecord("hub.inbox", int(str(partition)), b"x", b"%d" % number, ())
            for partition, reached in offsets
            for number in range(int(str(reached)) + 7)
        ]
        await until(partial(refilled, district, junk))
        district.start("intake")
        assert await load.more(30, within=120)
    assert district.said_in_log("intake", LOST) > lost
    assert dead_letters(district) >= before + len(junk)


def refilled(district: District, junk: list[OutgoingRecord]) -> bool:
    """Whether a stranger has filled the new broker, once somebody has made its topics."""
    try:
        asyncio.run(district.hub.send(junk))
    except Exception as error:  # noqa: BLE001 - whatever it says while the broker is not ready
        print(f"not refilled yet: {error!r}")  # noqa: T201
        return False
    return True


@pytest.mark.parametrize("district", [KAFKA], indirect=True)
async def test_a_restarted_broker_that_kept_its_data_is_read_on(district: District) -> None:
    lost = district.said_in_log("intake", LOST)
    async with under_load(district) as load:
        await load.more(30, within=60)
        await asyncio.to_thread(district.broker_fails, loses_everything=False)
        assert await load.more(30, within=120)
    assert district.said_in_log("intake", LOST) == lost


@pytest.mark.parametrize("district", [KAFKA], indirect=True)
async def test_a_hung_broker_delays_and_costs_nothing(district: District) -> None:
    rebuilt = district.said_in_log("intake", REBUILT)
    async with under_load(district) as load:
        await load.more(30, within=60)
        district.broker.pause()
        try:
            await until(lambda: district.said_in_log("intake", REBUILT) > rebuilt)
        finally:
            district.broker.resume()
        assert await load.more(30, within=120)


@pytest.mark.parametrize("topic", [pytest.param("hub.inbox", marks=pytest.mark.long), "feed.vz"])
@pytest.mark.parametrize("district", [KAFKA], indirect=True)
async def test_a_topic_that_somebody_deleted_comes_back_with_all_that_was_on_it(district: District, topic: str) -> None:
    assert isinstance(district.broker, MortalKafka)
    async with under_load(district) as load:
        await load.more(30, within=60)
        await asyncio.to_thread(district.broker.server.delete_topic, topic)
        await load.more(30, within=120)
