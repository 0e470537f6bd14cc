"""A Kafka consumer that goes on where our own database says, and never skips a record of a broker that lost its data.

Invariants: partitions are assigned, no group, nothing is committed to Kafka. Before the first poll, every `check_every`
seconds, on an offset out of range and whenever a connection was made anew, the position is compared with the broker
(`positions.resume`). Records that arrived over an unchecked connection are thrown away and fetched again after the
check, so a refilled broker cannot pass for the old one. A record that aiokafka cannot parse comes out as it is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka

from projections.kafka import bounded_codecs
from projections.kafka.broker_identity import BrokerIdentity
from projections.kafka.direct_requests import fetch, record_at
from projections.kafka.errors import BrokerUnreachableError, TopicMissingError, advised
from projections.kafka.line_probe import explained
from projections.kafka.positions import InputPosition, RawRecord, Resume, resume
from projections.kafka.record_batch import Source, record_of, records_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from aiokafka.structs import TopicPartition

    from projections.kafka.connection import KafkaConnection
    from projections.kafka.progress import Progress

    Positions = Callable[[], Awaitable[Mapping[TopicPartition, InputPosition]]]

_log = logging.getLogger("spojka.kafka")
_FETCH_BYTES = 2 * 1024 * 1024  # per partition: the largest dead letter that is kept
_LOOK_EVERY = 1.0  # seconds between two looks at the published address


class ResumingConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """Read assigned partitions from stored positions; `getmany` gives `RawRecord`s.

    `held` is asked before each poll: while it says so, none is made (checks go on).
    `positions` is asked at the start and after `rewind`; in between the last polled record counts.
    Raises `BrokerReplacedError` when another broker answers: close this consumer and build a new one. Other trouble is
    a `TransportError` too, after which a new consumer is the remedy as well.
    """

    def __init__(  # noqa: PLR0913  # all by keyword; two are needed, the rest have defaults
        self,
        *,
        connection: KafkaConnection,
        positions: Positions,
        progress: Progress | None = None,
        on_lost: Callable[[InputPosition, Resume], None] | None = None,
        held: Callable[[], bool] = lambda: False,
        check_every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        bounded_codecs.install()
        self._connection = connection
        self._broker = BrokerIdentity(connection)
        super().__init__(
            **connection.client_options(self._broker.address),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=int(connection.fetch_max_wait * 1000),
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        self._load_positions = positions
        self._progress = progress
        self._on_lost = on_lost
        self._held = held
        self._check_every = check_every
        self._clock = clock
        self._at: dict[TopicPartition, InputPosition] = {}
        self._last: dict[TopicPartition, RawRecord] = {}
        self._checked_at = self._looked_at = float("-inf")
        self._topic_vanished = False
        self._rewinding = False

    @property
    def incarnation(self) -> str:
        """The cluster id that the last check saw; the topic id would belong here, but aiokafka has none."""
        return self._broker.cluster

    async def start(self) -> None:
        """Connect, check that the topics are there, and seek to where reading goes on."""
        try:
            with self._advice():
                await self._connect()
                self._client.cluster.add_listener(self._metadata_came)
                await self._require_topics()
                await self._broker.verify(self._client)
                await self._resume(await self._load_positions())
        except BaseException:
            await self.stop()
            raise

    async def _connect(self) -> None:
        """Connect, or hear why not."""
        try:
            await super().start()
        except kafka.KafkaConnectionError as error:
            raise await explained(error, connection=self._connection, address=self._broker.address) from error

    async def stop(self) -> None:
        """Close the connections.

        aiokafka 0.14 lets a CancelledError of its own out of here when a fetch is in its back-off; only a cancellation
        of the caller is passed on.
        """
        try:
            await super().stop()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            left = list(self._fetcher._pending_tasks)  # noqa: SLF001  # what its own close has left running
            for fetching in left:
                fetching.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await self._client.close()

    def rewind(self) -> None:
        """Go back to the stored positions before the next poll: after a commit whose outcome is not known."""
        self._rewinding = True

    @property
    def rewinding(self) -> bool:
        """Whether the next poll starts at the stored positions."""
        return self._rewinding

    async def check(self) -> None:
        """Compare address, cluster and the last polled records with the broker, now."""
        with self._advice():
            if self._fetcher.error_future.done():
                raise BrokerUnreachableError(address=self._broker.address, cause="the fetching task ended")
            await self._broker.verify(self._client)
            await self._require_topics()
            await self._resume(self._positions_now())

    async def observe_end_offsets(self) -> dict[TopicPartition, int]:
        """Ask where the partitions end; what was sent before this call lies before these offsets."""
        with self._advice():
            asked_at = self._clock()
            ends: dict[TopicPartition, int] = await self.end_offsets(self.assignment())
        if self._progress is not None:
            self._progress.observed(asked_at, ends)
        return ends

    def reached(self) -> dict[TopicPartition, int]:
        """The offset behind the last poll; past control batches too, which give no record."""
        assignment = self._subscription.subscription.assignment
        states = {place: assignment.state_value(place) for place in assignment.tps}
        return {place: state.position for place, state in states.items() if state.has_valid_position}

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[RawRecord]]:
        """The next records, at most `max_records`, after whatever check is due; empty if none came in time."""
        with self._advice():
            await self._before_poll()
            if self._held():
                await asyncio.sleep(timeout_ms / 1000)
                return {}
            polled = await self._poll(partitions, timeout_ms=timeout_ms, max_records=max_records)
            if polled and self._unsettled():
                await self.check()
                return {}
            if polled and self._held():  # since this poll began
                self._give_back(polled)
                return {}
            self._last.update({place: records[-1] for place, records in polled.items()})
            return polled

    async def _poll(
        self, partitions: tuple[TopicPartition, ...], *, timeout_ms: int, max_records: int | None
    ) -> dict[TopicPartition, list[RawRecord]]:
        """What aiokafka has fetched; read without its parser where that fails."""
        try:
            if self._fetcher.error_future.done():
                self._fetcher.error_future.result()
            polled = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except kafka.OffsetOutOfRangeError:
            await self.check()
            return {}
        except (kafka.ConsumerStoppedError, kafka.TopicAuthorizationFailedError):
            raise
        except Exception as error:  # noqa: BLE001  # parsers fail in many ways on hostile bytes
            _log.warning("A record could not be parsed (%r); reading it as raw bytes.", error)
            return await self._salvage(max_records)
        return {place: [record_of(each, self._broker.cluster) for each in found] for place, found in polled.items()}

    async def _before_poll(self) -> None:
        """Do what is due: go back, compare, or look whether the broker moved."""
        now = self._clock()
        if self._rewinding:
            await self._resume(await self._load_positions())
            self._rewinding = False
        elif self._unsettled() or now - self._checked_at >= self._check_every:
            await self.check()
        elif now - self._looked_at >= _LOOK_EVERY:
            self._looked_at = now
            self._broker.same_address()

    def _unsettled(self) -> bool:
        """Whether the broker may be another since the last check."""
        return self._topic_vanished or not self._broker.verified(self._client)

    def _metadata_came(self, cluster: Any) -> None:  # noqa: ANN401  # aiokafka is untyped
        """Note a topic that is gone for a while: when it is back, it may be another of the same name."""
        if any(cluster.partitions_for_topic(place.topic) is None for place in self.assignment()):
            self._topic_vanished = True

    async def _require_topics(self) -> None:
        """Raise `TopicMissingError` where an assigned partition is not there; a fetch would be silent about it."""
        for place in self.assignment():
            if self.partitions_for_topic(place.topic) is None:
                await self._client.force_metadata_update()
            known = self.partitions_for_topic(place.topic)
            if known is None:
                raise TopicMissingError(topic=place.topic)
            if place.partition not in known:
                raise TopicMissingError(topic=place.topic, partition=place.partition)
        self._topic_vanished = False

    def _positions_now(self) -> dict[TopicPartition, InputPosition]:
        """Where the last poll left every partition."""
        return self._at | {place: InputPosition.behind(record) for place, record in self._last.items()}

    async def _resume(self, stored: Mapping[TopicPartition, InputPosition]) -> None:
        """Compare positions with the broker, for all partitions at once, and seek where reading goes on elsewhere."""
        places = sorted(self.assignment())
        asked_at = self._clock()
        begins, ends = await asyncio.gather(self.beginning_offsets(places), self.end_offsets(places))
        to_compare = {
            place: position.next_offset - 1
            for place in places
            if (position := stored.get(place)) is not None and begins[place] < position.next_offset <= ends[place]
        }
        found = await record_at(self._client, to_compare, incarnation=self._broker.cluster)
        for place in places:
            decision = resume(
                stored.get(place),
                begin=begins[place],
                end=ends[place],
                before_next=found.get(place),
                cluster_id=self._broker.cluster,
            )
            self._go_on(place, stored.get(place), decision)
        if self._progress is not None:
            self._progress.observed(asked_at, ends)
        self._checked_at = self._looked_at = self._clock()

    def _go_on(self, place: TopicPartition, stored: InputPosition | None, decision: Resume) -> None:
        """Seek if this is not where the next poll would read anyway, and remember the position."""
        if stored is not None and decision.lost:
            _log.warning(
                "%s/%d no longer has what was read up to %d; reading from %d.",
                *place,
                stored.next_offset,
                decision.offset,
            )
            if self._on_lost is not None:
                self._on_lost(stored, decision)
        self._last.pop(place, None)
        if stored is not None and stored.next_offset == decision.offset and not decision.lost:
            self._at[place] = stored
        else:
            self._at[place] = InputPosition(place.topic, place.partition, decision.offset, decision.incarnation, b"")
        if self.reached().get(place) != decision.offset:
            self.seek(place, decision.offset)
            if self._progress is not None:
                self._progress.reset(place, decision.offset)

    async def _salvage(self, max_records: int | None) -> dict[TopicPartition, list[RawRecord]]:
        """Read on from the last polled records without aiokafka's parser, which lost what it had in hand."""
        if self._unsettled():
            await self.check()
        offsets = {place: position.next_offset for place, position in self._positions_now().items()}
        room = max_records or 500
        polled: dict[TopicPartition, list[RawRecord]] = {}
        for place, answer in (await fetch(self._client, offsets, most=_FETCH_BYTES)).items():
            source = Source(place.topic, place.partition, self._broker.cluster)
            found = list(islice(records_in(answer, source, from_offset=offsets[place]), room))
            room -= len(found)
            self.seek(place, found[-1].offset + 1 if found else offsets[place])
            if found:
                polled[place] = found
        return polled

    def _give_back(self, places: Iterable[TopicPartition]) -> None:
        """Have what was just polled polled again."""
        positions = self._positions_now()
        for place in places:
            self.seek(place, positions[place].next_offset)

    @contextmanager
    def _advice(self) -> Iterator[None]:
        """Turn the library's errors into ours."""
        try:
            yield
        except kafka.KafkaError as error:
            topics = sorted({place.topic for place in self.assignment()})
            raise advised(error, address=self._broker.address, topic=", ".join(topics)) from error
