"""Write records in prepared batches, and say for each whether, where and in which cluster it was stored.

Invariants: `acks=all`, no idempotent producer (receivers drop repetitions, and one that outlives a wipe loses
acknowledged records). Within one (topic, partition) a record is sent only after all before it were acknowledged.
A record counts as stored only if the same broker answered from before the sending until after it; then `SentAt` names
the cluster that holds it. Memory is bounded: what is in flight, over all callers, stays below `in_flight_bytes`.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Self

from projections.kafka.errors import (
    BrokerReplacedError,
    BrokerUnreachableError,
    MessageTooLargeError,
    SendError,
    TransportError,
)
from projections.kafka.in_flight import InFlight
from projections.kafka.outgoing import OutgoingRecord, SentAt
from projections.kafka.producer_client import ProducerClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from projections.kafka.connection import KafkaConnection

__all__ = ["BATCH_BYTES", "BatchProducer", "OutgoingRecord", "SentAt"]

BATCH_BYTES = 900_000
"""Largest batch that is built, below Kafka's default of 1 MiB for what a topic takes."""
_IN_FLIGHT_BYTES = 32 * 1024 * 1024


class BatchProducer:
    """One producer for many topics; safe to share between tasks.

    Connects when first used and again whenever the broker was replaced or did not answer. Calls for the same
    partition take turns, so their order is that of the calls.
    """

    def __init__(
        self,
        *,
        connection: KafkaConnection,
        batch_bytes: int = BATCH_BYTES,
        in_flight_bytes: int = _IN_FLIGHT_BYTES,
        check_every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._batch_bytes = batch_bytes
        self._check_every = check_every
        self._clock = clock
        self._room = InFlight(in_flight_bytes)
        self._turns: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._connecting = asyncio.Lock()
        self._client: ProducerClient | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._topics: set[str] = set()

    async def start(self) -> None:
        """Connect now, to hear of a wrong address or password early; raises `TransportError`."""
        await self._connected()

    async def stop(self) -> None:
        """Close the connections; what is in flight is waited for, at most two request timeouts."""
        if self._client is not None:
            self._drop(self._client)
        await asyncio.gather(*self._closing)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def set_topics(self, topics: Iterable[str]) -> None:
        """Learn where these topics live, all at once: a first send to 2,000 topics one by one takes minutes."""
        self._topics |= set(topics)
        client = await self._connected()
        await client.know(self._topics)

    async def cluster(self) -> str:
        """The id of the cluster that would be written to now, asked for every `check_every` seconds; raises `TransportError`."""
        return (await self._connected()).broker.cluster

    async def send(self, records: Sequence[OutgoingRecord]) -> list[SentAt]:
        """Store all records; the answer has one `SentAt` for each, in the order of the call.

        Raises `SendError` when some were not acknowledged: it names them, and holds the `SentAt` of the others.
        Within a partition these are always the last ones.
        """
        sent: dict[int, SentAt] = {}
        failed: dict[int, TransportError] = {}
        lanes: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        for index, record in enumerate(records):
            lanes[record.topic, record.partition].append(index)
        await asyncio.gather(*(self._send_lane(records, lane, sent, failed) for lane in lanes.values()))
        if failed:
            raise SendError(sent=sent, failed=failed)
        return [sent[index] for index in range(len(records))]

    async def _send_lane(
        self,
        records: Sequence[OutgoingRecord],
        lane: list[int],
        sent: dict[int, SentAt],
        failed: dict[int, TransportError],
    ) -> None:
        """Send what goes to one partition, batch after batch, up to the first failure."""
        place = (records[lane[0]].topic, records[lane[0]].partition)
        async with self._turns[place]:
            done = 0
            try:
                for batch in self._split(records, lane):
                    size = sum(records[index].size for index in batch)
                    async with self._room.taken(size):
                        stored = await self._send_batch([records[index] for index in batch])
                    sent.update(zip(batch, stored, strict=True))
                    done += len(batch)
            except TransportError as error:
                failed.update(dict.fromkeys(lane[done:], error))

    def _split(self, records: Sequence[OutgoingRecord], lane: list[int]) -> Iterator[list[int]]:
        """Indexes in order, in batches that fit; raises `MessageTooLargeError` where a record alone does not."""
        batch: list[int] = []
        size = 0
        for index in lane:
            record = records[index]
            if batch and size + record.size > self._batch_bytes:
                yield batch
                batch, size = [], 0
            if record.size > self._batch_bytes:
                raise MessageTooLargeError(topic=record.topic, size=record.size, limit=self._batch_bytes)
            batch.append(index)
            size += record.size
        yield batch

    async def _send_batch(self, batch: list[OutgoingRecord]) -> list[SentAt]:
        """Send one batch over a connection known to lead to the current cluster; in halves if the broker wants it."""
        client = await self._connected()
        try:
            return await client.send(batch)
        except MessageTooLargeError:
            if len(batch) == 1:
                raise
            half = len(batch) // 2
            return [*await self._send_batch(batch[:half]), *await self._send_batch(batch[half:])]
        except (BrokerUnreachableError, BrokerReplacedError):
            self._drop(client)
            raise

    async def _connected(self) -> ProducerClient:
        """The client for the broker as it is now: another one after a new address or cluster id."""
        async with self._connecting:
            client = self._client
            if client is not None and not await self._still_good(client):
                self._drop(client)
                client = None
            if client is None:
                client = await ProducerClient.connect(
                    self._connection, batch_bytes=self._batch_bytes, clock=self._clock
                )
                self._client = client
                if self._topics:
                    await client.know(self._topics)
            return client

    async def _still_good(self, client: ProducerClient) -> bool:
        """Whether the client's broker is still the one that is published, looking into it when it is time."""
        try:
            client.broker.same_address()
            if not client.verified() or self._clock() - client.checked_at >= self._check_every:
                await client.check()
        except TransportError:
            return False
        return True

    def _drop(self, client: ProducerClient) -> None:
        """Forget a client that is of no more use; it is closed aside, since that can take as long as a hang."""
        if self._client is client:
            self._client = None
        closing = asyncio.create_task(client.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
