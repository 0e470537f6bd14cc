"""A hub on a real broker that takes every message, answers with receipts, delivers what it is told to, and replays on request.

It keeps its feeds when the broker loses everything, as the real hub's log does.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Self

from aiokafka.structs import TopicPartition

from contracts.envelope import Message, parse
from contracts.feed_head import InboxMark
from contracts.kafka_record import from_record
from contracts.messages.feed import ReplayRequested
from contracts.names import HUB, MessageId, UnitId
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.connection import KafkaConnection
from projections.kafka.follower import TopicFollower
from projections.kafka.plain_drive import PlainDrive
from projections.kafka.positions import InputPosition, RawRecord
from tests.simulated_hub import NOON, SimulatedFeed, SimulatedHub

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from contracts.signed_bytes import SignedBytes
    from deploy.servers.embedded_broker import EmbeddedBroker


class ScriptedHub:
    """Enter it to run it."""

    def __init__(self, broker: EmbeddedBroker, signer: SimulatedHub) -> None:
        self.signer = signer
        self.feeds = {unit: SimulatedFeed(signer, unit) for unit in signer.unit_keys}
        self.arrived: defaultdict[MessageId, int] = defaultdict(int)
        self.taken: list[Message] = []
        self.mute = False
        self._marks: dict[int, InboxMark] = {}
        self._stored: dict[TopicPartition, InputPosition] = {}
        self._connection = KafkaConnection(bootstrap=lambda: broker.bootstrap, request_timeout=2.0)
        self._producer = BatchProducer(connection=self._connection)
        self._stop = asyncio.Event()
        self._follower = TopicFollower(
            connection=self._connection,
            partitions=[TopicPartition("hub.inbox", p) for p in range(signer.partitions)],
            positions=self._positions,
            handle=self._handle,
            drive=PlainDrive(),
        )

    async def __aenter__(self) -> Self:
        await self.publish_lists()
        self._running = asyncio.create_task(self._follower.run(self._stop))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        await self._running
        await self._producer.stop()

    async def publish_lists(self) -> None:
        """Every version of the trust list, in order."""
        await self._send("hub.directory", *self.signer.envelopes)

    async def deliver(self, unit: UnitId, *messages: SignedBytes) -> None:
        """Give messages to a unit."""
        await self._send(f"feed.{unit}", *[self.feeds[unit].deliver(message) for message in messages])

    async def lose(self, unit: UnitId, message: SignedBytes) -> None:
        """Give a message that never gets to the topic."""
        self.feeds[unit].deliver(message)

    async def head(self, unit: UnitId) -> None:
        """Tell how far the feed goes and how far the inbox was read."""
        await self._send(f"feed.{unit}", self.feeds[unit].head(made_at=NOON, inbox=tuple(self._marks.values())))

    def of_type(self, name: str) -> list[Message]:
        """What was taken of one type."""
        return [one for one in self.taken if one.spec.name == name]

    async def _positions(self) -> Mapping[TopicPartition, InputPosition]:
        return dict(self._stored)

    async def _handle(self, batch: Sequence[RawRecord]) -> None:
        for record in batch:
            await self._take(record)
            self._stored[TopicPartition(record.topic, record.partition)] = InputPosition.behind(record)
            mark = InboxMark(partition=record.partition, incarnation=record.incarnation, next_offset=record.offset + 1)
            self._marks[record.partition] = mark

    async def _take(self, record: RawRecord) -> None:
        signed = from_record(record.value, record.headers)
        message = parse(signed.payload)
        if self.mute:
            return
        self.arrived[message.id] += 1
        if self.arrived[message.id] == 1:
            self.taken.append(message)
        await self._send(f"feed.{message.unit}", self.feeds[message.unit].receipt(signed))
        if isinstance(message.facts, ReplayRequested):
            await self._send(f"feed.{message.unit}", *self.feeds[message.unit].replay(message.facts.from_sequence))
            await self.head(message.unit)

    async def publish(self, topic: str, *values: bytes) -> None:
        """Put records on a topic, as they are."""
        await self._send(topic, *values)

    async def _send(self, topic: str, *values: bytes) -> None:
        await self._producer.send([OutgoingRecord(topic, 0, HUB.encode(), value) for value in values])
