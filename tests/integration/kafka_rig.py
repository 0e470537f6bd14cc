"""What the transport's tests need of a broker, embedded or real, and a reader that stores its positions in memory."""

from __future__ import annotations

import asyncio
import uuid
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from aiokafka.structs import TopicPartition

from projections.kafka.batch_producer import BatchProducer, OutgoingRecord, SentAt
from projections.kafka.connection import KafkaConnection
from projections.kafka.follower_watch import FollowerWatch
from projections.kafka.positions import InputPosition, RawRecord, Resume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deploy.servers.embedded_broker import EmbeddedBroker
    from deploy.servers.kafka_broker import KafkaBroker


class Rig(ABC):
    """A running broker and a way to reach it."""

    server: EmbeddedBroker | KafkaBroker

    @property
    def connection(self) -> KafkaConnection:
        return KafkaConnection(bootstrap=lambda: self.server.bootstrap, request_timeout=2.0)

    @abstractmethod
    def topic(self) -> str:
        """A fresh topic with at least two partitions."""

    @abstractmethod
    def lose_everything(self, *topics: str) -> None:
        """The broker comes back empty, with these topics."""


class EmbeddedRig(Rig):
    """The mock: topics come by themselves, and it comes back elsewhere."""

    def __init__(self, server: EmbeddedBroker) -> None:
        self.server: EmbeddedBroker = server

    def topic(self) -> str:
        return f"t.{uuid.uuid4().hex[:8]}"

    def lose_everything(self, *topics: str) -> None:
        del topics
        self.server.kill()
        self.server.start()


class KafkaRig(Rig):
    """Real Kafka: topics are made beforehand, and it comes back at the same address."""

    def __init__(self, server: KafkaBroker) -> None:
        self.server: KafkaBroker = server

    def topic(self) -> str:
        name = f"t.{uuid.uuid4().hex[:8]}"
        self.server.create_topic(name, partitions=2)
        return name

    def lose_everything(self, *topics: str) -> None:
        self.server.wipe()
        for name in topics:
            self.server.create_topic(name, partitions=2)


class Reader(FollowerWatch):
    """Handles records as the hub does: keep them and the position together; notes what it is told."""

    def __init__(self) -> None:
        self.records: list[RawRecord] = []
        self.stored: dict[TopicPartition, InputPosition] = {}
        self.lost: list[Resume] = []
        self.rebuilt: list[str] = []
        self.attempts: list[tuple[bytes | None, ...]] = []
        self.fail_times = 0

    async def positions(self) -> Mapping[TopicPartition, InputPosition]:
        return dict(self.stored)

    async def handle(self, batch: Sequence[RawRecord]) -> None:
        self.attempts.append(tuple(record.value for record in batch))
        if self.fail_times:
            self.fail_times -= 1
            raise ConnectionError("the database is away")
        self.keep(batch)

    def keep(self, batch: Sequence[RawRecord]) -> None:
        for record in batch:
            self.records.append(record)
            self.stored[TopicPartition(record.topic, record.partition)] = InputPosition.behind(record)

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for record in self.records]

    def input_lost(self, stored: InputPosition, resume: Resume) -> None:
        del stored
        self.lost.append(resume)

    def client_rebuilt(self, reason: str, error: Exception) -> None:
        del error
        self.rebuilt.append(reason)


async def send(rig: Rig, topic: str, *values: bytes, partition: int = 0) -> list[SentAt]:
    """Write values without keys, acknowledged."""
    async with BatchProducer(connection=rig.connection) as producer:
        return await producer.send([OutgoingRecord(topic, partition, None, value) for value in values])


async def until(condition: Callable[[], object], *, within: float = 30.0) -> None:
    """Wait for a condition, looking every few milliseconds; TimeoutError names nothing, the test does."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # the condition may be anything, so there is no event to await
            await asyncio.sleep(0.005)
