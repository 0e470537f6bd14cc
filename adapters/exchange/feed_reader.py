"""Follows `feed.<unit>`: hands each stretch to the intake, does what follows from it, asks for what is missing.

Invariants: a stretch is done when it is stored; what the unit owes for it (held entries, `referral.received`) is in the outbox before the next
one, and is made up for at the next start after a crash. A replay is asked for once per gap, then with growing pauses. Others' entries do not show
between a (re)connection and its end of the feed, up to a head where the broker was lost.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from aiokafka.structs import TopicPartition

from adapters.desk.desk import Desk
from adapters.exchange.feed_chain import Gap
from adapters.exchange.feed_intake import FeedIntake, Stretch, gaps_of, tips_of
from adapters.exchange.replay_asking import ReplayAsking
from adapters.storage.unit_store import UnitStore
from contracts.names import UnitId
from projections.kafka.drive import Batch
from projections.kafka.positions import InputPosition

ACKNOWLEDGE_AFTER_SLOTS: Final = 500
ACKNOWLEDGE_AFTER_SECONDS: Final = 600.0

_log = structlog.get_logger("spojka.feed")


def topic_of(unit: UnitId) -> str:
    """The feed's topic."""
    return f"feed.{unit}"


class FeedReader:
    """Handles the feed of one unit. `told` hears of every stretch that brought something."""

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        *,
        store: UnitStore,
        desk: Desk,
        intake: FeedIntake,
        unit: UnitId,
        shards: int,
        told: Callable[[Stretch], None],
        asking: ReplayAsking | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._desk = desk
        self._intake = intake
        self._topic = topic_of(unit)
        self._shards = tuple(range(shards))
        self._told = told
        self._asking = asking or ReplayAsking()
        self._monotonic = monotonic
        self._connected_at = 0.0
        self._catching_up: set[int] = set()
        self._head_needed: set[int] = set()
        self._turn = asyncio.Lock()
        """Hiding and showing take turns: whoever hid last while another showed would hide for good."""
        self._unacknowledged = 0
        self._acknowledge_by = monotonic() + ACKNOWLEDGE_AFTER_SECONDS

    @property
    def partitions(self) -> list[TopicPartition]:
        """What to follow: feed partition = shard."""
        return [TopicPartition(self._topic, shard) for shard in self._shards]

    async def start(self) -> None:
        """Make up for what a crash left undone, and ask for what was missing when the adapter stopped."""
        for gap in await asyncio.to_thread(self._gaps):
            self._asking.missing(gap)
        await asyncio.to_thread(self._intake.settle)
        await asyncio.to_thread(self._desk.tend)
        await asyncio.to_thread(self._ask_for_own)
        await asyncio.to_thread(self._ask_for_keys)

    async def positions(self) -> Mapping[TopicPartition, InputPosition]:
        """How far the feed was read. Asked at each (re)connection, so others' entries hide until the end is reached."""
        async with self._turn:
            self._connected_at = self._monotonic()
            self._catching_up = set(self._shards)
            return await asyncio.to_thread(self._connect)

    def broker_lost(self) -> None:
        """The broker no longer has what was read: ask for the feed from the last slot on, and trust no end before a head."""
        self._head_needed = set(self._shards)
        with self._store.read() as tx:
            tips = tips_of(tx.places.chains())
        for shard in self._shards:
            tip = tips.get(shard)
            self._asking.missing(Gap(shard, tip.generation if tip else 1, tip.sequence + 1 if tip else 1))

    async def handle(self, batch: Batch) -> None:
        """Take a stretch. Raises what the intake raises: the follower then comes again with the same records."""
        stretch = await asyncio.to_thread(self._intake.take, batch)
        for shard in stretch.moved_on | stretch.reached:
            self._asking.closed(shard)
        for gap in stretch.gaps:
            self._asking.missing(gap)
        if stretch.reached & self._head_needed:
            self._head_needed -= stretch.reached
            self._connected_at = self._monotonic()  # an end that was seen before was that of an emptied feed
        self._unacknowledged += stretch.slots
        async with self._turn:
            if self._catching_up:  # a head that came just now begins as reached
                await asyncio.to_thread(self._hide, sorted(self._catching_up))
        if stretch.suspicious:
            _log.error("records kept apart", count=len(stretch.suspicious), reason=stretch.suspicious[0])
        if stretch.reshaped:
            await asyncio.to_thread(self._desk.tend, stretch.reshaped)
        elif stretch.to_renumber:
            await asyncio.to_thread(self._desk.tend, ())
        self._told(stretch)

    async def directory_changed(self) -> None:
        """A new trust list: what was doubtful or held is judged again."""
        await asyncio.to_thread(self._intake.settle)
        await asyncio.to_thread(self._desk.tend)
        await asyncio.to_thread(self._ask_for_keys)

    async def tick(self, caught_up_since: Callable[[TopicPartition], float | None]) -> None:
        """Once a second or so: ask for what is missing, acknowledge what is stored, notice the end of the feed."""
        for gap in self._asking.due(self._monotonic()):
            await asyncio.to_thread(self._ask, gap)
        await self._notice_end(caught_up_since)
        await self._acknowledge()

    async def _notice_end(self, caught_up_since: Callable[[TopicPartition], float | None]) -> None:
        async with self._turn:
            reached = set()
            for shard in self._catching_up - self._head_needed:
                since = caught_up_since(TopicPartition(self._topic, shard))
                if since is not None and since >= self._connected_at:
                    reached.add(shard)
            if reached:
                self._catching_up -= reached
                await asyncio.to_thread(self._show, sorted(reached))
        if reached:
            self._told(Stretch())

    async def _acknowledge(self) -> None:
        now = self._monotonic()
        enough = self._unacknowledged >= ACKNOWLEDGE_AFTER_SLOTS
        if not enough and (now < self._acknowledge_by or self._unacknowledged == 0):
            return
        self._unacknowledged = 0
        self._acknowledge_by = now + ACKNOWLEDGE_AFTER_SECONDS
        await asyncio.to_thread(self._acknowledge_tips)

    def _acknowledge_tips(self) -> None:
        with self._store.read() as tx:
            newest = {one.shard: one for one in sorted(tx.places.chains(), key=lambda chain: chain.generation)}
        for state in newest.values():
            self._desk.acknowledge_feed(state)

    def _ask(self, gap: Gap) -> None:
        _log.warning(
            "asking for the feed again",
            shard=gap.shard,
            generation=gap.generation,
            from_sequence=gap.from_sequence,
        )
        self._desk.ask_replay(shard=gap.shard, generation=gap.generation, from_sequence=gap.from_sequence)

    def _ask_for_own(self) -> None:
        """A restored unit asks each shard for what it published itself; until that came, nothing about a client leaves."""
        with self._store.read() as tx:
            open_shards, tips = tx.recovery.open(), tips_of(tx.places.chains())
        for shard in [shard for shard, asked in open_shards.items() if asked is None]:
            _log.warning("asking for the unit's own messages", shard=shard)
            generation = tips[shard].generation if shard in tips else 1
            asked = self._desk.ask_replay(shard=shard, generation=generation, from_sequence=1, scope="own")
            if asked.message_id is not None:
                with self._store.write() as tx:
                    tx.recovery.asked(shard, asked.message_id)

    def _ask_for_keys(self) -> None:
        """The unit lost an encryption key and has another one now: with a replay everything that was released comes again, to the new one."""
        shards = self._intake.lost_keys()
        if not shards:
            return
        with self._store.read() as tx:
            tips = tips_of(tx.places.chains())
        for shard in sorted(shards):
            tip = tips.get(shard)
            self._ask(Gap(shard, tip.generation if tip else 1, tip.sequence + 1 if tip else 1))

    def _gaps(self) -> list[Gap]:
        with self._store.read() as tx:
            return gaps_of(tx)

    def _connect(self) -> Mapping[TopicPartition, InputPosition]:
        self._hide(self._shards)
        with self._store.read() as tx:
            found = tx.places.positions(self._topic)
        return {TopicPartition(self._topic, partition): one for partition, one in found.items()}

    def _hide(self, shards: tuple[int, ...] | list[int]) -> None:
        with self._store.write() as tx:
            tx.places.set_catching_up(shards, catching_up=True)

    def _show(self, shards: list[int]) -> None:
        with self._store.write() as tx:
            tx.places.set_catching_up(shards, catching_up=False)
