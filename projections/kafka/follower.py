"""Follow topic partitions and hand every batch to a handler until it is done, whatever the broker does meanwhile.

Invariants: batches come one at a time, in offset order within a partition. A batch whose handler raises comes again,
after a pause, until it succeeds, the handler asked for a rewind, or the follower is stopped: it is never skipped.
Any trouble with the broker (down, hanging, wiped, elsewhere, forbidden) ends in a new client and a resume from the
stored positions, for as long as `run` runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from projections.kafka.errors import TransportError
from projections.kafka.faststream_drive import FastStreamDrive
from projections.kafka.follower_watch import FollowerWatch, rebuild_reason
from projections.kafka.progress import Progress
from projections.kafka.quiet_logs import quiet_client_logs
from projections.kafka.resuming_consumer import ResumingConsumer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import TypeVar

    from aiokafka.structs import TopicPartition

    from projections.kafka.connection import KafkaConnection
    from projections.kafka.drive import Batch, Drive
    from projections.kafka.resuming_consumer import Positions

    Handler = Callable[[Batch], Awaitable[None]]
    OnError = Callable[[Exception, int], Awaitable[None]]
    _Kind = TypeVar("_Kind", bound=ResumingConsumer)

_OBSERVE_EVERY = 1.0  # seconds between two looks at the end offsets
_log = logging.getLogger("spojka.kafka")


class TopicFollower:
    """Run `handle` over everything in `partitions`, from the stored positions on.

    `handle` must have stored the new positions when it returns. `on_error(error, attempt)` is called after each failure,
    before the same batch comes again; it may call `rewind()` to have the batch dropped and read again from the stored
    positions instead. `pause_at_most` bounds the pauses, in seconds.
    """

    def __init__(  # noqa: PLR0913  # all by keyword; four are needed, the rest have defaults
        self,
        *,
        connection: KafkaConnection,
        partitions: Sequence[TopicPartition],
        positions: Positions,
        handle: Handler,
        on_error: OnError | None = None,
        watch: FollowerWatch | None = None,
        drive: Drive | None = None,
        check_every: float = 10.0,
        pause_at_most: float = 5.0,
    ) -> None:
        self._connection = connection
        self._partitions = tuple(partitions)
        self._positions = positions
        self._handle = handle
        self._on_error = on_error
        self._watch = watch or FollowerWatch()
        self._drive = drive or FastStreamDrive()
        self._check_every = check_every
        self._pauses = wait_random_exponential(multiplier=0.1, max=pause_at_most)
        self._progress = Progress()
        self._consumer: ResumingConsumer | None = None
        self._paused = False
        self._failures = 0
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set; a batch in hand is finished first. Raises nothing of the broker's troubles."""
        quiet_client_logs()
        self._stop = stop
        observing = asyncio.create_task(self._observe())
        try:
            while not stop.is_set():
                await self._one_client()
        finally:
            observing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await observing
            self._consumer = None

    def pause(self) -> None:
        """Stop polling until `resume`; a batch in hand goes on, and so do the checks."""
        self._paused = True

    def resume(self) -> None:
        """Poll again."""
        self._paused = False

    def rewind(self) -> None:
        """Drop the batch in hand and read again from the stored positions: after a commit of unknown outcome."""
        if self._consumer is not None:
            self._consumer.rewind()

    def lag(self) -> dict[TopicPartition, int]:
        """Records not handled yet, per partition, as of the last look at the ends (every second)."""
        return self._progress.lag()

    def end_offsets(self) -> dict[TopicPartition, tuple[float, int]]:
        """The last known end offsets, each with the monotonic time at which it was asked for."""
        return self._progress.ends()

    def caught_up_since(self, partition: TopicPartition) -> float | None:
        """The monotonic time up to which everything sent to the partition was handled; None if not known yet."""
        return self._progress.caught_up_since(partition)

    async def observe_end_offsets(self) -> bool:
        """Look at the end offsets now, if there is a client that works; True if there was."""
        consumer = self._consumer
        if consumer is None or not consumer.incarnation:
            return False
        try:
            await consumer.observe_end_offsets()
        except TransportError:
            return False
        return True

    async def _one_client(self) -> None:
        """Live with one client until it breaks or the follower is stopped."""
        try:
            await self._drive.run(self._make, self._process, partitions=self._partitions, stop=self._stop)
        except Exception as error:  # noqa: BLE001  # whatever it is, a new client is the remedy
            self._failures += 1
            _log.warning("Kafka client rebuilt: %s", error)
            self._watch.client_rebuilt(rebuild_reason(error), error)
            await self._sleep(min(0.1 * 2 ** min(self._failures, 10), 5.0))
        finally:
            self._consumer = None

    def _make(self, kind: type[_Kind]) -> _Kind:
        """A new consumer that reports here."""
        consumer = kind(
            connection=self._connection,
            positions=self._positions,
            progress=self._progress,
            on_lost=self._watch.input_lost,
            held=lambda: self._paused,
            check_every=self._check_every,
        )
        self._consumer = consumer
        return consumer

    async def _process(self, batch: Batch) -> bool:
        """Have the batch handled, however many attempts it takes; False if the stop came first."""
        consumer = self._consumer
        if self._stop.is_set() or consumer is None:
            return False
        reached = consumer.reached()
        began = time.monotonic()
        try:
            async for attempt in self._attempts(consumer):
                with attempt:
                    await self._attempt(batch, attempt.retry_state.attempt_number)
        except Exception as error:  # noqa: BLE001  # already reported by the attempt
            _log.warning("A batch of %d records is given back: %r", len(batch), error)
            return consumer.rewinding  # then it is read again; otherwise nothing may be polled behind it
        self._failures = 0
        self._progress.handled(reached)
        self._watch.batch_handled(records=len(batch), seconds=time.monotonic() - began)
        return True

    def _attempts(self, consumer: ResumingConsumer) -> AsyncRetrying:
        """Attempts with growing pauses, until one succeeds, a rewind was asked for or the stop came."""
        return AsyncRetrying(
            wait=self._pauses,
            retry=retry_if_exception_type(Exception),
            stop=lambda _: self._stop.is_set() or consumer.rewinding,
            sleep=self._sleep,
            reraise=True,
        )

    async def _attempt(self, batch: Batch, number: int) -> None:
        """One call of the handler; its failure is told before it is raised on."""
        try:
            await self._handle(batch)
        except Exception as error:
            _log.warning("The handler failed on %d records (attempt %d): %r", len(batch), number, error)
            self._watch.batch_failed(error, attempt=number)
            if self._on_error is not None:
                await self._on_error(error, number)
            raise

    async def _sleep(self, seconds: float) -> None:
        """Pause, but wake up for the stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), timeout=seconds)

    async def _observe(self) -> None:
        """Look at the end offsets every second, for lag and timers."""
        while True:
            await self.observe_end_offsets()
            await asyncio.sleep(_OBSERVE_EVERY)
