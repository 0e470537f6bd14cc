"""FastStream as the drive: it owns the subscriber's life cycle, metrics and AsyncAPI; the resume is ours.

The consumer class goes in through the broker's builder, which is not public: a test watches it, `plain_drive` is the
fallback. Invariants: nothing is acked, nacked or committed; no parser of FastStream sees a record; a batch that
FastStream dropped on its way to the handler ends the drive, so that reading resumes at the stored positions.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from aiokafka import errors as kafka
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka import TopicPartition as Declared
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

from projections.kafka.drive import POLL_MS
from projections.kafka.errors import TransportError
from projections.kafka.positions import RawRecord
from projections.kafka.resuming_consumer import ResumingConsumer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiokafka.structs import TopicPartition

    from projections.kafka.drive import MakeConsumer, Process

_IDLE_MS = 10  # FastStream sleeps this long after an empty poll, on top of the poll's own wait
_log = logging.getLogger("spojka.kafka.faststream")
_log.setLevel(logging.ERROR)  # its warnings are about topics it does not create, which are checked elsewhere


class BatchSkippedError(TransportError):
    """FastStream asked for the next batch although the last one was not processed."""

    def __init__(self) -> None:
        super().__init__("A batch was dropped before the handler saw it; reading resumes at the stored positions.")


class DrivenConsumer(ResumingConsumer):
    """Tells the drive about trouble instead of raising it: FastStream would log it, sleep five seconds and poll on."""

    ended: asyncio.Future[None]
    in_hand = False

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[RawRecord]]:
        """As `ResumingConsumer.getmany`, waiting at least `POLL_MS`; trouble ends the drive and parks the caller."""
        try:
            if self.in_hand:
                raise BatchSkippedError  # noqa: TRY301  # handled like any other trouble, just below
            wait = max(timeout_ms, POLL_MS)
            polled = await super().getmany(*partitions, timeout_ms=wait, max_records=max_records)
        except kafka.ConsumerStoppedError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the follower decides
            if not self.ended.done():
                self.ended.set_exception(error)
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # never returns
        self.in_hand = bool(polled)
        return polled


class FastStreamDrive:
    """Run one KafkaBroker with one batch subscriber.

    `middlewares` are FastStream's (Prometheus, tracing); `graceful_timeout` is how many seconds a batch in hand may
    take once `stop` is set, before its handler is cancelled.
    """

    def __init__(
        self, *, max_records: int = 500, graceful_timeout: float = 30.0, middlewares: Sequence[Any] = ()
    ) -> None:
        self._max_records = max_records
        self._graceful_timeout = graceful_timeout
        self._middlewares = middlewares

    async def run(
        self, make: MakeConsumer, process: Process, *, partitions: Sequence[TopicPartition], stop: asyncio.Event
    ) -> None:
        """Poll and process until `stop` is set; raises what the consumer raised."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        made: list[DrivenConsumer] = []

        def build(**_: object) -> DrivenConsumer:
            made.append(make(DrivenConsumer))
            made[-1].ended = ended
            return made[-1]

        async def consume(batch: tuple[RawRecord, ...]) -> None:
            made[-1].in_hand = not await process(batch)

        broker = self._broker(consume, partitions)
        await broker.connect()  # sets the builder that is replaced here
        broker.config.broker_config.builder = build
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await broker.start()
            await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await broker.stop()
        if ended.done() and (error := ended.exception()) is not None and not stop.is_set():
            raise error

    def _broker(self, consume: Any, partitions: Sequence[TopicPartition]) -> KafkaBroker:  # noqa: ANN401  # FastStream's own handler type is a maze of generics
        """A broker that only reads, with one subscriber."""
        broker = KafkaBroker(
            consumer_only=True,  # neither producer nor admin client: a reader's ACL is enough
            apply_types=False,
            graceful_timeout=self._graceful_timeout,
            middlewares=self._middlewares,
            logger=_log,
            log_level=logging.DEBUG,
        )
        subscriber = broker.subscriber(
            partitions=[Declared(place.topic, place.partition, declare=False) for place in partitions],
            batch=True,
            max_records=self._max_records,
            batch_timeout_ms=_IDLE_MS,
            ack_policy=AckPolicy.MANUAL,
            parser=_parse,
            decoder=_decode,
            no_reply=True,
        )
        subscriber(consume)
        return broker


async def _parse(batch: tuple[RawRecord, ...]) -> KafkaMessage:  # FastStream awaits it
    """The batch as FastStream's message, without a look at any header or value."""
    return KafkaMessage(
        body=b"",
        raw_message=batch,
        message_id=f"{batch[0].topic}-{batch[0].partition}-{batch[0].offset}",
        consumer=FAKE_CONSUMER,
    )


async def _decode(message: KafkaMessage) -> tuple[RawRecord, ...]:  # as above
    """The records themselves."""
    return message.raw_message
