"""What makes a consumer poll: the port between the follower and its two drives.

Invariant of every drive: a batch is processed before the next one is polled, and none is skipped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from projections.kafka.positions import RawRecord

if TYPE_CHECKING:
    import asyncio

    from aiokafka.structs import TopicPartition

    from projections.kafka.resuming_consumer import ResumingConsumer

Batch = Sequence[RawRecord]
Process = Callable[[Batch], Awaitable[bool]]
"""True when the batch is done, or will be read again; after False nothing may be polled. Does not raise."""

_Kind = TypeVar("_Kind", bound="ResumingConsumer", covariant=True)  # noqa: PLC0105  # a private detail of the protocol


class MakeConsumer(Protocol):
    """Build a consumer of the given class, and keep it as the follower's current one."""

    def __call__(self, kind: type[_Kind]) -> _Kind:
        """A new, unstarted consumer."""


class Drive(Protocol):
    """Start a consumer, poll and process until `stop` is set; raise what ended the consumer before."""

    async def run(
        self, make: MakeConsumer, process: Process, *, partitions: Sequence[TopicPartition], stop: asyncio.Event
    ) -> None:
        """Drive one consumer through its life, and close it whatever happens."""


POLL_MS = 200
"""How long one empty poll waits; records end it at once."""
