"""One aiokafka producer that knows which cluster acknowledged its batches.

Invariant: a batch counts as stored only if no connection was made, or the same cluster answered, since it was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka

from projections.kafka.broker_identity import BrokerIdentity
from projections.kafka.errors import MessageTooLargeError, TopicMissingError, TransportError, advised
from projections.kafka.line_probe import explained
from projections.kafka.outgoing import OutgoingRecord, SentAt
from projections.kafka.quiet_logs import quiet_client_logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from projections.kafka.connection import KafkaConnection

_PATIENCE = 3  # request timeouts until a batch is given up whatever the library does


class ProducerClient:
    """One aiokafka producer, with the cluster that it was seen to talk to."""

    def __init__(self, connection: KafkaConnection, *, batch_bytes: int, clock: Callable[[], float]) -> None:
        self.broker = BrokerIdentity(connection)
        self.checked_at = float("-inf")
        self._batch_bytes = batch_bytes
        self._timeout = connection.request_timeout
        self._clock = clock
        self._producer = AIOKafkaProducer(
            **connection.client_options(self.broker.address),
            acks="all",
            enable_idempotence=False,
            max_batch_size=batch_bytes,
            max_request_size=2 * batch_bytes,
        )

    @classmethod
    async def connect(
        cls, connection: KafkaConnection, *, batch_bytes: int, clock: Callable[[], float]
    ) -> ProducerClient:
        """Connect and learn the cluster id; raises `BrokerUnreachableError`."""
        quiet_client_logs()
        client = cls(connection, batch_bytes=batch_bytes, clock=clock)
        try:
            await client._producer.start()
            await client.check()
        except (kafka.KafkaError, TransportError) as error:
            await client.close()
            raise await explained(error, connection=connection, address=client.broker.address) from error
        return client

    async def close(self) -> None:
        """Close, without waiting longer than one request timeout for a broker that hangs."""
        for close in (self._producer.stop, self._producer._sender.close):  # noqa: SLF001  # stop() leaves it running
            with contextlib.suppress(TimeoutError, kafka.KafkaError):
                await asyncio.wait_for(close(), timeout=self._timeout)
        await self._producer.client.close()

    def verified(self) -> bool:
        """Whether every connection is known to lead to this client's cluster."""
        return self.broker.verified(self._producer.client)

    async def check(self) -> None:
        """Raises `BrokerReplacedError` when address or cluster id changed, or whatever keeps it from asking."""
        try:
            await self.broker.verify(self._producer.client)
        except kafka.KafkaError as error:
            raise advised(error, address=self.broker.address) from error
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
                if not self.verified():
                    await self.check()
        except (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError) as error:
            raise MessageTooLargeError(topic=topic, size=builder.size()) from error
        except AssertionError as error:  # aiokafka's answer to a partition that is not there
            raise TopicMissingError(topic=topic, partition=partition) from error
        except (kafka.KafkaError, TimeoutError) as error:
            raise advised(error, address=self.broker.address, topic=topic) from error
        return [SentAt(topic, partition, stored.offset + n, self.broker.cluster) for n in range(len(batch))]
