"""The bare chain: the least way from one unit to another, each of the three parties a process as in service.

Sender: aiokafka producer → hub: consumer, Ed25519, one transaction a poll in PostgreSQL, producer → recipient: consumer, one transaction a poll in
SQLite. Each party is `python -m tests.benchmarks.bare_chain PARTY …`; hub and recipient print a line when they read. In the end sender and
recipient print the monotonic seconds at which each message was about to be produced, and was committed.
"""

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord, TopicPartition

from contracts.kafka_record import from_record, to_headers
from contracts.keys import VerifyingKey
from contracts.names import KeyId
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.signed_bytes import verify
from tests.benchmarks.workload import workload
from tests.simulation.programme import PARTITIONS, Simulation

_INBOX = [TopicPartition("hub.inbox", number) for number in range(PARTITIONS)]
_FEED = [TopicPartition("feed.vz", 0)]
_NUMBER = "number"
_KEY, _KEY_ID = "key", "key-id"
_FETCH_WAIT_MS = 20

Times = list[float]


async def send(bootstrap: str, count: int, rate: float) -> Times:
    """Produce signed messages evenly spread over time."""
    simulation = Simulation()
    key = simulation.units["op"].key
    messages = workload(simulation, count, batched=False)
    named = [(_KEY, key.public_bytes), (_KEY_ID, key.key_id.encode())]
    times: Times = []
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer, asyncio.TaskGroup() as sending:
        await producer.partitions_for("hub.inbox")
        began = time.monotonic()
        for number, message in enumerate(messages):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            headers = [*to_headers(message.signed), *named, (_NUMBER, str(number).encode())]
            place = partition_of(message.key.encode(), PARTITIONS)
            times.append(time.monotonic())
            record = producer.send_and_wait(
                "hub.inbox", message.signed.payload, key=message.key.encode(), headers=headers, partition=place
            )
            sending.create_task(record)
    return times


async def relay(bootstrap: str, dsn: str, count: int) -> None:
    """Verify and commit each poll, then pass it on."""
    with psycopg.connect(dsn, autocommit=True) as log:
        log.execute("CREATE TABLE bare_chain (number bigserial PRIMARY KEY, payload bytea NOT NULL)")
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
            async for records in _polls(bootstrap, _INBOX, count):
                await asyncio.to_thread(_commit, log, records)
                for one in records:
                    headers = [header for header in one.headers if header[0] == _NUMBER]
                    await producer.send("feed.vz", one.value, headers=headers, partition=0)


async def receive(bootstrap: str, file: str, count: int) -> Times:
    """Commit each poll."""
    times = [0.0] * count
    unit = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE entry (payload BLOB)"):
        unit.execute(statement)
    async for records in _polls(bootstrap, _FEED, count):
        await asyncio.to_thread(_take_in, unit, records)
        now = time.monotonic()
        for one in records:
            times[int(dict(one.headers)[_NUMBER])] = now
    unit.close()
    return times


async def _polls(bootstrap: str, places: Sequence[TopicPartition], count: int) -> AsyncIterator[list[ConsumerRecord]]:
    async with _consumer(bootstrap, places) as consumer:
        _say("ready")
        while count > 0:
            polled = await consumer.getmany(timeout_ms=200, max_records=500)
            records = [record for part in polled.values() for record in part]
            if records:
                yield records
            count -= len(records)


@asynccontextmanager
async def _consumer(bootstrap: str, places: Sequence[TopicPartition]) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=_FETCH_WAIT_MS)
    await consumer.start()
    consumer.assign(places)
    await consumer.seek_to_beginning(*places)
    yield consumer
    await consumer.stop()


def _commit(log: psycopg.Connection, records: Sequence[ConsumerRecord]) -> None:
    for record in records:
        headers = dict(record.headers)
        key = VerifyingKey(headers[_KEY], KeyId(headers[_KEY_ID].decode()))
        verify(from_record(record.value, record.headers), key, PayloadType.CLOUDEVENT)
    with log.transaction(), log.cursor() as cursor:
        cursor.executemany("INSERT INTO bare_chain (payload) VALUES (%s)", [[record.value] for record in records])


def _take_in(unit: sqlite3.Connection, records: Sequence[ConsumerRecord]) -> None:
    unit.execute("BEGIN IMMEDIATE")
    unit.executemany("INSERT INTO entry VALUES (?)", [[record.value] for record in records])
    unit.execute("COMMIT")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - whoever started this process reads it


_PARTIES: dict[str, Callable[..., object]] = {
    "send": lambda bootstrap, count, rate: send(bootstrap, int(count), float(rate)),
    "relay": lambda bootstrap, dsn, count: relay(bootstrap, dsn, int(count)),
    "receive": lambda bootstrap, file, count: receive(bootstrap, file, int(count)),
}


def main() -> None:
    """Be one party."""
    party, *arguments = sys.argv[1:]
    _say(json.dumps(asyncio.run(_PARTIES[party](*arguments))))  # type: ignore[arg-type] # coroutines all


if __name__ == "__main__":
    main()
