"""Write records in prepared batches, and say for each whether, where and in which cluster it was stored.

Invariants: `acks=all`, no idempotent producer (receivers drop repetitions, and one that outlives a wipe loses
acknowledged records). Within one (topic, partition) a record is sent only after all before it were acknowledged.
A record counts as stored only if the same broker answered from before the sending until after it; then `SentAt` names
the cluster that holds it. Memory is bounded: what is in flight, over all callers, stays below `in_flight_bytes`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka

from projections.kafka.direct_requests import cluster_id, open_connections
from projections.kafka.errors import (
    BrokerReplacedError,
    BrokerUnreachableError,
    MessageTooLargeError,
    SendError,
    TopicMissingError,
    TransportError,
    advised,
)
from projections.kafka.in_flight import InFlight
from projections.kafka.quiet_logs import quiet_client_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from projections.kafka.connection import KafkaConnection

BATCH_BYTES = 900_000
"""Largest batch that is built, below Kafka's default of 1 MiB for what a topic takes."""
_IN_FLIGHT_BYTES = 32 * 1024 * 1024
_RECORD_OVERHEAD = 96  # batch header, lengths and varints of one record, generously
_PATIENCE = 3  # request timeouts until a batch is given up whatever the library does


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """One record to write; the caller computes the partition."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def size(self) -> int:
        """Bytes on the wire, at most."""
        headers = sum(len(name) * 3 + len(value) + 10 for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers + _RECORD_OVERHEAD


@dataclass(frozen=True, slots=True)
class SentAt:
    """Where the broker stored a record: comparable with `InputPosition` of the same incarnation."""

    topic: str
    partition: int
    offset: int
    incarnation: str


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
        self._client: _Client | None = None
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

    async def _connected(self) -> _Client:
        """The client for the broker as it is now: another one after a new address or cluster id."""
        async with self._connecting:
            client = self._client
            if client is not None and not await self._still_good(client):
                self._drop(client)
                client = None
            if client is None:
                client = await _Client.connect(self._connection, self._batch_bytes, self._clock)
                self._client = client
                if self._topics:
                    await client.know(self._topics)
            return client

    async def _still_good(self, client: _Client) -> bool:
        """Whether the client's broker is still the one that is published, looking into it when it is time."""
        if client.address != self._connection.address():
            return False
        if client.same_connections() and self._clock() - client.checked_at < self._check_every:
            return True
        try:
            await client.check()
        except TransportError:
            return False
        return True

    def _drop(self, client: _Client) -> None:
        """Forget a client that is of no more use; it is closed aside, since that can take as long as a hang."""
        if self._client is client:
            self._client = None
        closing = asyncio.create_task(client.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


class _Client:
    """One aiokafka producer, with the cluster that it was seen to talk to."""

    def __init__(self, connection: KafkaConnection, address: str, batch_bytes: int, clock: Callable[[], float]) -> None:
        self.address = address
        self.checked_at = float("-inf")
        self._batch_bytes = batch_bytes
        self._timeout = connection.request_timeout
        self._clock = clock
        self._cluster = ""
        self._connections: frozenset[Any] = frozenset()
        self._producer = AIOKafkaProducer(
            **connection.client_options(address),
            acks="all",
            enable_idempotence=False,
            max_batch_size=batch_bytes,
            max_request_size=2 * batch_bytes,
        )

    @classmethod
    async def connect(cls, connection: KafkaConnection, batch_bytes: int, clock: Callable[[], float]) -> _Client:
        """Connect and learn the cluster id; raises `BrokerUnreachableError`."""
        quiet_client_logs()
        client = cls(connection, connection.address(), batch_bytes, clock)
        try:
            await client._producer.start()
            await client.check()
        except (kafka.KafkaError, TransportError) as error:
            await client.close()
            raise advised(error, address=client.address) from error
        return client

    async def close(self) -> None:
        """Close, without waiting longer than one request timeout for a broker that hangs."""
        for close in (self._producer.stop, self._producer._sender.close):  # noqa: SLF001  # stop() leaves it running
            with contextlib.suppress(TimeoutError, kafka.KafkaError):
                await asyncio.wait_for(close(), timeout=self._timeout)
        await self._producer.client.close()

    def same_connections(self) -> bool:
        """Whether no connection was made anew since the cluster id was last asked for."""
        return open_connections(self._producer.client) == self._connections

    async def check(self) -> None:
        """Ask for the cluster id; raises `BrokerReplacedError` when it changed."""
        try:
            cluster = await cluster_id(self._producer.client)
        except kafka.KafkaError as error:
            raise advised(error, address=self.address) from error
        if self._cluster and cluster != self._cluster:
            raise BrokerReplacedError(reason="cluster", before=self._cluster, now=cluster)
        self._cluster = cluster
        self._connections = open_connections(self._producer.client)
        self.checked_at = self._clock()

    async def know(self, topics: set[str]) -> None:
        """Fetch the metadata of these topics, and keep it fresh."""
        await self._producer.client.set_topics(topics)

    async def send(self, batch: list[OutgoingRecord]) -> list[SentAt]:
        """Store one batch of one partition; raises `TransportError` if it was not acknowledged by this cluster."""
        topic, partition = batch[0].topic, batch[0].partition
        builder = self._producer.create_batch()
        for record in batch:
            stamp = int(time.time() * 1000)
            headers = list(record.headers)
            if builder.append(timestamp=stamp, key=record.key, value=record.value, headers=headers) is None:
                raise MessageTooLargeError(topic=topic, size=record.size, limit=self._batch_bytes)
        try:
            async with asyncio.timeout(_PATIENCE * self._timeout):
                stored = await (await self._producer.send_batch(builder, topic, partition=partition))
                if not self.same_connections():
                    await self.check()
        except (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError) as error:
            raise MessageTooLargeError(topic=topic, size=builder.size()) from error
        except AssertionError as error:  # aiokafka's answer to a partition that is not there
            raise TopicMissingError(topic=topic, partition=partition) from error
        except (kafka.KafkaError, TimeoutError) as error:
            raise advised(error, address=self.address, topic=topic) from error
        return [SentAt(topic, partition, stored.offset + n, self._cluster) for n in range(len(batch))]
