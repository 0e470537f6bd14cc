"""One unit at work: publisher, feed reader, directory reader, read models, companions, and a watch on the database for what other processes write.

Invariants: any part that fails unexpectedly ends the unit's run with its error, so that a supervisor sees it; the broker's troubles end nothing.
What another process recorded is on its way within some 5 ms; what it wrote else is heeded within a second. What others gave is in the read models
as soon as may be, what the unit did itself a moment later.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Final

import structlog
from aiokafka.structs import TopicPartition

from adapters.exchange.directory_reader import PARTITION, DirectoryReader
from adapters.exchange.feed_chain import Recipient
from adapters.exchange.feed_intake import FeedIntake, Stretch
from adapters.exchange.feed_reader import FeedReader, topic_of
from adapters.exchange.ledger_reader import LedgerReader
from adapters.exchange.ledger_watch import LedgerWatch
from adapters.exchange.publisher import Publisher
from adapters.process import metrics
from adapters.process.companion import CompanionsOf, no_companions
from adapters.process.store_watch import Newest, watch
from adapters.process.unit_health import measure, state_of
from adapters.process.unit_house import UnitHouse
from contracts.trust_list import Directory
from projections.kafka.batch_producer import BatchProducer
from projections.kafka.connection import KafkaConnection
from projections.kafka.drive import Batch
from projections.kafka.follower import TopicFollower
from projections.kafka.follower_watch import FollowerWatch, RebuildReason
from projections.kafka.positions import InputPosition, Resume

TICK: Final = 0.2
"""Seconds between two looks at what is due."""
_SETTLES: Final = 1.0
"""Seconds until all parts look at what was written and is neither an entry nor a message: a position, a setting, a mark."""
_OWN_TOGETHER: Final = 0.5
"""Seconds for which the read models gather what the unit did itself. A command and the API show it at once: they bring these up to date first."""
_SELDOM: Final = 0.5
"""Seconds for which the broker keeps a question for what comes seldom (the directory, the ledger) before it answers that nothing came."""
_MEASURE_EVERY: Final = 5.0
_SILENT_AFTER: Final = 15.0

_log = structlog.get_logger("spojka.adapter")


class UnitProcess:
    """Runs one unit until told to stop."""

    def __init__(
        self,
        house: UnitHouse,
        *,
        connection: KafkaConnection,
        producer: BatchProducer,
        companions: CompanionsOf = no_companions,
    ) -> None:
        self._house = house
        self._companions = companions(house)
        self._overviews = house.overviews()
        self._overviews_due = asyncio.Event()
        self._given = asyncio.Event()
        """Something of others is not in the read models yet."""
        self._told = Newest()
        """Up to where all parts were woken."""
        self._waking: asyncio.TimerHandle | None = None
        self._directory_news = asyncio.Event()
        listed = house.directory.listed
        self.publisher = Publisher(
            store=house.store, sender=producer, partitions=lambda: house.directory.listed.partitions, clock=house.clock
        )
        self._directories = DirectoryReader(
            store=house.store, book=house.book, clock=house.clock, changed=self._list_changed
        )
        intake = FeedIntake(
            store=house.store,
            recipient=Recipient(listed.programme, house.unit),
            book=house.book,
            clock=house.clock,
            opening=house.keys.opening,
        )
        self._feed = FeedReader(
            store=house.store,
            desk=house.desk,
            intake=intake,
            unit=house.unit,
            shards=listed.shards,
            told=self._stretch_taken,
        )
        self._ledger = LedgerReader(
            store=house.store,
            watch=LedgerWatch(unit=house.unit, book=house.book, signer=house.keys.witness),
            sender=producer,
            unit=house.unit,
            shards=listed.shards,
            clock=house.clock,
        )
        patient = replace(connection, fetch_max_wait=_SELDOM)
        self._ledger_follower = TopicFollower(
            connection=patient,
            partitions=self._ledger.partitions,
            positions=self._ledger.positions,
            handle=self._ledger.handle,
            watch=_Watch(self),
        )
        self._feed_follower = TopicFollower(
            connection=connection,
            partitions=self._feed.partitions,
            positions=self._feed.positions,
            handle=self._handle_feed,
            watch=_Watch(self),
        )
        self._directory_follower = TopicFollower(
            connection=patient,
            partitions=[PARTITION],
            positions=self._directories.positions,
            handle=self._directories.handle,
            watch=_Watch(self),
        )

    @property
    def connected(self) -> bool:
        """Whether the broker told the end of the feed a short while ago."""
        asked = [at for at, _ in self._feed_follower.end_offsets().values()]
        return bool(asked) and time.monotonic() - max(asked) < _SILENT_AFTER

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; raises what a part failed with."""
        await self._feed.start()
        parts = (
            self.publisher.run(stop),
            self._feed_follower.run(stop),
            self._directory_follower.run(stop),
            self._ledger_follower.run(stop),
            self._ticking(stop),
            self._news(stop),
            self._keep_overviews(stop),
            watch(self._house.databases.look_into("store"), self._noticed, stop),
            *(companion.run(stop) for companion in self._companions),
        )
        running = [asyncio.create_task(_logged(part, self._house.unit)) for part in parts]
        stopping = asyncio.create_task(stop.wait())
        _log.info("unit at work", unit=self._house.unit)
        try:
            await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            await stopping
            if self._waking is not None:
                self._waking.cancel()
            self.wake()
            self._given.set()
            self._directory_news.set()
            results = await asyncio.gather(*running, return_exceptions=True)
            self._overviews.close()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def wake(self) -> None:
        """Something was written to the unit's database."""
        self.publisher.wake()
        self._wake_readers()

    def _wake_readers(self) -> None:
        """Entries came, or changed: what is to be sent because of them wakes the publisher when it is in the outbox."""
        self._overviews_due.set()
        for companion in self._companions:
            companion.wake()

    def _noticed(self, newest: Newest) -> None:
        """Somebody wrote: a message wakes the publisher at once, an entry those who read, unless this process took it in and told of it.

        Anything else can wait.
        """
        told, self._told = self._told, self._told.joined(newest)
        if newest.order > told.order:
            self.publisher.wake()
        if newest.revision > told.revision:
            self._wake_readers()
        if self._waking is None:
            self._waking = asyncio.get_running_loop().call_later(_SETTLES, self._wake_late)

    def _wake_late(self) -> None:
        self._waking = None
        self.wake()

    def broker_lost(self, stored: InputPosition, resume: Resume) -> None:
        """A reader found another broker, or one that lost what was read."""
        self.publisher.broker_is(resume.incarnation)
        if stored.topic == topic_of(self._house.unit):
            self._feed.broker_lost()

    def rebuilt(self, reason: RebuildReason) -> None:
        """A client was thrown away."""
        metrics.REBUILT.labels(self._house.unit, reason).inc()

    async def _handle_feed(self, batch: Batch) -> None:
        await self._feed.handle(batch)
        self.publisher.broker_is(batch[-1].incarnation)

    def _stretch_taken(self, stretch: Stretch) -> None:
        metrics.SLOTS.labels(self._house.unit).inc(stretch.slots)
        if stretch.answers:
            self.publisher.answered()
        if stretch.directory is not None:
            self._directory_news.set()
        self._told = self._told.joined(Newest(revision=stretch.revision))
        if stretch.entries:
            self._given.set()
        if stretch.heads:
            self.publisher.wake()
        self._wake_readers()

    def _list_changed(self, directory: Directory) -> None:
        del directory
        self._directory_news.set()
        self.wake()

    async def _ticking(self, stop: asyncio.Event) -> None:
        measured_at = float("-inf")
        while not stop.is_set():
            await self._feed.tick(self._caught_up_since)
            await self._ledger.tick()
            if time.monotonic() - measured_at >= _MEASURE_EVERY:
                measured_at = time.monotonic()
                measure(self._house, await asyncio.to_thread(state_of, self._house))
                metrics.CONNECTED.labels(self._house.unit).set(self.connected)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=TICK)

    def _caught_up_since(self, partition: TopicPartition) -> float | None:
        return self._feed_follower.caught_up_since(partition)

    async def _news(self, stop: asyncio.Event) -> None:
        """What a new trust list brings about."""
        while not stop.is_set():
            await self._directory_news.wait()
            self._directory_news.clear()
            if stop.is_set():
                return
            await self._feed.directory_changed()
            self.wake()

    async def _keep_overviews(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._overviews_due.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._given.wait(), timeout=_OWN_TOGETHER)
            self._overviews_due.clear()
            self._given.clear()
            await asyncio.to_thread(self._overviews.bring_up_to_date)


class _Watch(FollowerWatch):
    """Tells the unit's process what its followers meet."""

    def __init__(self, process: UnitProcess) -> None:
        self._process = process

    def input_lost(self, stored: InputPosition, resume: Resume) -> None:
        """The broker no longer has what was read."""
        self._process.broker_lost(stored, resume)

    def client_rebuilt(self, reason: RebuildReason, error: Exception) -> None:
        """Counted; the follower logs it."""
        del error
        self._process.rebuilt(reason)


async def _logged(part: Coroutine[None, None, None], unit: str) -> None:
    """Every line that a part logs names its unit."""
    structlog.contextvars.bind_contextvars(unit=unit)
    await part
