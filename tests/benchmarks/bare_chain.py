"""The bare chain: the least way from one unit to another.

Producer → consumer → verify → commit in PostgreSQL → produce → consume → commit in SQLite, one batch at a time, in one process.

Run as a process, `python -m tests.benchmarks.bare_chain BOOTSTRAP DSN FILE COUNT RATE`, it prints the seconds of each message from before it was
produced to its second commit.
"""

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord, TopicPartition

from contracts.kafka_record import from_record, to_headers
from contracts.keys import VerifyingKey
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.signed_bytes import verify
from tests.benchmarks.workload import Keyed, workload
from tests.simulation.programme import PARTITIONS, Simulation

_INBOX = [TopicPartition("hub.inbox", number) for number in range(PARTITIONS)]
_FEED = [TopicPartition("feed.vz", 0)]
_NUMBER = "number"


class BareChain:
    """One run of the chain."""

    def __init__(self, bootstrap: str, dsn: str, file: Path, *, key: VerifyingKey) -> None:
        self._bootstrap = bootstrap
        self._key = key
        self._log = psycopg.connect(dsn, autocommit=True)
        self._log.execute("CREATE TABLE bare_chain (number bigserial PRIMARY KEY, payload bytea NOT NULL)")
        self._unit = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE entry (payload BLOB)"):
            self._unit.execute(statement)
        self._produced: list[float] = []
        self.seconds: list[float] = []

    async def run(self, messages: Sequence[Keyed], *, rate: float) -> None:
        """Send all, evenly spread, and wait for the last."""
        async with (
            AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all") as producer,
            self._consumer(_INBOX) as inbox,
            self._consumer(_FEED) as feed,
            asyncio.timeout(60 + len(messages) / rate),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._relay(inbox, producer, count=len(messages)))
            tasks.create_task(self._receive(feed, count=len(messages)))
            began = time.monotonic()
            for number, message in enumerate(messages):
                await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                self._produced.append(time.monotonic())
                tasks.create_task(self._send(producer, message, number))

    @asynccontextmanager
    async def _consumer(self, places: Sequence[TopicPartition]) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, fetch_max_wait_ms=20)
        await consumer.start()
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        yield consumer
        await consumer.stop()

    async def _send(self, producer: AIOKafkaProducer, message: Keyed, number: int) -> None:
        key = message.key.encode()
        headers = [*to_headers(message.signed), (_NUMBER, str(number).encode())]
        partition = partition_of(key, PARTITIONS)
        await producer.send_and_wait("hub.inbox", message.signed.payload, key=key, headers=headers, partition=partition)

    async def _relay(self, inbox: AIOKafkaConsumer, producer: AIOKafkaProducer, *, count: int) -> None:
        while count > 0:
            records = await _poll(inbox)
            await asyncio.to_thread(self._commit, records)
            for one in records:
                await producer.send("feed.vz", one.value, headers=list(one.headers), partition=0)
            count -= len(records)

    async def _receive(self, feed: AIOKafkaConsumer, *, count: int) -> None:
        while count > 0:
            records = await _poll(feed)
            await asyncio.to_thread(self._take_in, records)
            count -= len(records)

    def _commit(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            verify(from_record(record.value, record.headers), self._key, PayloadType.CLOUDEVENT)
        with self._log.transaction(), self._log.cursor() as cursor:
            cursor.executemany("INSERT INTO bare_chain (payload) VALUES (%s)", [[record.value] for record in records])

    def _take_in(self, records: Sequence[ConsumerRecord]) -> None:
        self._unit.execute("BEGIN IMMEDIATE")
        self._unit.executemany("INSERT INTO entry VALUES (?)", [[record.value] for record in records])
        self._unit.execute("COMMIT")
        now = time.monotonic()
        self.seconds += [now - self._produced[int(dict(one.headers)[_NUMBER])] for one in records]


async def _poll(consumer: AIOKafkaConsumer) -> list[ConsumerRecord]:
    polled = await consumer.getmany(timeout_ms=200, max_records=500)
    return [record for part in polled.values() for record in part]


def main() -> None:
    """Run the chain once."""
    bootstrap, dsn, file, count, rate = sys.argv[1:]
    simulation = Simulation()
    messages = workload(simulation, int(count), batched=False)
    chain = BareChain(bootstrap, dsn, Path(file), key=simulation.units["op"].key.verifying_key)
    asyncio.run(chain.run(messages, rate=float(rate)))
    print(json.dumps(chain.seconds))  # noqa: T201 - the figures are this process's answer


if __name__ == "__main__":
    main()
