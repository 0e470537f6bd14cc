"""The fallback drive: a plain loop, should FastStream change what `faststream_drive` relies on.

Invariant: the same as of every drive; no framework in between.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING

from projections.kafka.drive import POLL_MS
from projections.kafka.resuming_consumer import ResumingConsumer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiokafka.structs import TopicPartition

    from projections.kafka.drive import MakeConsumer, Process


class PlainDrive:
    """Poll in a loop."""

    def __init__(self, *, max_records: int = 500) -> None:
        self._max_records = max_records

    async def run(
        self, make: MakeConsumer, process: Process, *, partitions: Sequence[TopicPartition], stop: asyncio.Event
    ) -> None:
        """Poll and process until `stop` is set; raises what the consumer raises."""
        consumer = make(ResumingConsumer)
        consumer.assign(partitions)
        await consumer.start()
        try:
            while not stop.is_set():
                polled = await consumer.getmany(timeout_ms=POLL_MS, max_records=self._max_records)
                if polled and not await process(tuple(chain.from_iterable(polled.values()))):
                    return
        finally:
            await consumer.stop()
