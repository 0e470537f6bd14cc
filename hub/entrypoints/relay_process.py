"""The dispatch process: stand by, take over, relay what the log says, keep the feeds' heads fresh.

Invariants: what a step committed is produced before the next step begins, however long the broker is away; a new broker gets the directory and a head
on every feed at once.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from contracts import feed_record
from contracts.kafka_record import CONTENT_TYPE
from contracts.names import MessageId, UnitId
from hub.application.broker_permissions import DIRECTORY, HubUser
from hub.application.feed_voice import FeedValue
from hub.application.ledger_guard import Lag
from hub.application.ports import FencedError, HubError
from hub.application.relay import Outgoing, Relay
from hub.application.reporting import AT_ONCE
from hub.entrypoints import metrics
from hub.entrypoints.condition import Condition, State
from hub.entrypoints.held_back import HeldBack
from hub.entrypoints.house import House
from hub.entrypoints.ledger_files import published_of
from hub.entrypoints.publishing import client_record, hub_record
from hub.entrypoints.restore_guard import RestoreGuard
from hub.entrypoints.settings import limits_of
from hub.entrypoints.topics import ensure_topics
from hub.infrastructure.postgres.heartbeat import Heartbeat
from hub.infrastructure.postgres.log_wakeup import LogWakeup
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.relay_store import PostgresRelayStore
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.errors import TransportError

_WAKE: Final = 0.5
_TOPICS_EVERY: Final = 30.0
"""Seconds between two looks whether somebody deleted a topic."""
_REPORT_EVERY: Final = 1.0
_RETAIN_EVERY: Final = 10.0
_REPORT_AGAIN: Final = 10.0
"""Seconds: what the log does not hold by then may be lost with the broker."""
_FEED_HEADERS: Final = ((CONTENT_TYPE, feed_record.CONTENT_TYPE.encode()),)
_LIST_HEADERS: Final = ((CONTENT_TYPE, b"application/vnd.spojka.trust-list"),)
_log = structlog.get_logger("spojka.hub.relay")


@dataclass(slots=True)
class _Heads:
    """When which feed got its last head, and which had anything since."""

    last: dict[UnitId, datetime] = field(default_factory=dict)
    active: set[UnitId] = field(default_factory=set)

    def due(self, units: Sequence[UnitId], at: datetime, *, active: timedelta, quiet: timedelta) -> list[UnitId]:
        """Feeds whose head is older than it may be."""
        return [
            unit
            for unit in units
            if unit not in self.last or at - self.last[unit] >= (active if unit in self.active else quiet)
        ]


@dataclass(slots=True)
class _Reports:
    """What the log was told last, when, and whether there may be more to tell."""

    told: MessageId | None = None
    at: float = float("-inf")
    delivered: int = 1
    """Not less than what the log was not told yet; after a take-over that is not known, so it is asked."""

    @property
    def many(self) -> bool:
        """So many that a report is full."""
        return self.delivered >= AT_ONCE

    def due(self, seconds: float) -> bool:
        """So long ago."""
        return time.monotonic() - self.at >= seconds


class RelayProcess:
    """Runs the shard's dispatch until told to stop; several may run, one relays."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._heads = _Heads()
        self._met: str | None = None
        """The cluster that has all topics and the directory; None before and after trouble."""
        self._topics_looked_at = float("-inf")
        self._heart: Heartbeat | None = None
        self._reports = _Reports()
        self._retained_at = float("-inf")
        self._session: WriterSession | None = None
        self._relay_now: Relay | None = None
        self._held: HeldBack | None = None
        self._guard: RestoreGuard | None = None
        self._broker_away = False
        self.relaying = False

    def condition(self) -> Condition:
        """For `/health`."""
        session, relay, heart = self._session, self._relay_now, self._heart
        if self._guard is not None and self._guard.holds:
            return Condition("restored")
        if not self.relaying or heart is None or relay is None:
            return Condition("standby" if session is not None and session.connected else "store-unavailable")
        held = self._held is not None and self._held.now
        state: State = "ledger-behind" if held else "broker-unavailable" if self._broker_away else "relaying"
        last = max(list(self._heads.last.values()), default=None)  # a copy: another thread adds to it
        counts = {"relay_lag": relay.behind, "last_head": None if last is None else last.isoformat()}
        return Condition("store-unavailable" if heart.error else state, counts)

    async def run(self, stop: asyncio.Event) -> None:
        """Stand by and relay, again after every loss of the lock."""
        while not stop.is_set():
            session = self._session = WriterSession(self._house.database(DatabaseUser.DISPATCH), Role.RELAY)
            try:
                if await self._stand_by(session, stop):
                    await self._relay(session, stop)
            except HubError as error:
                _log.warning("relay.interrupted", exc_info=error)
                await _pause(stop, 0.2)
            finally:
                self.relaying, self._guard = False, None
                await asyncio.to_thread(session.close)

    async def _stand_by(self, session: WriterSession, stop: asyncio.Event) -> bool:
        cancelled = threading.Event()
        waiting = asyncio.create_task(asyncio.to_thread(session.stand_by, cancelled))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        cancelled.set()
        stopping.cancel()
        return await waiting

    async def _relay(self, session: WriterSession, stop: asyncio.Event) -> None:
        house = self._house
        store = PostgresRelayStore(session, house.mapper())
        relay = Relay(store, house.programme, house.feed_voice, house.clock)
        wakeup = LogWakeup(house.database(DatabaseUser.DISPATCH))
        producer = BatchProducer(connection=house.connection(HubUser.DISPATCH))
        with Heartbeat(session.beat, every=house.database(DatabaseUser.DISPATCH).settings.beat_every) as heart:
            guard = self._guard = RestoreGuard(
                session, home=house.settings.home, role="dispatch", published=lambda: published_of(house)
            )
            if not await guard.may_go_on(lambda: stop.is_set() or heart.error is not None, stop):
                return
            left_over = await asyncio.to_thread(relay.take_over)
            self._met, self._heart, self._reports = None, heart, _Reports()
            self._relay_now, self._broker_away = relay, False
            held = self._held = HeldBack(session, limits_of(house.settings), role="dispatch", at_least=Lag.BEHIND)
            try:
                self.relaying = True
                _log.info("relay.took-over", shard=house.settings.shard)
                if left_over is not None:
                    await self._produce(producer, relay, left_over, stop)
                while not stop.is_set() and not self._fenced():
                    if held.due:
                        await asyncio.to_thread(held.look)
                    if held.now:
                        await _pause(stop, _WAKE)
                        continue
                    if guard.due:
                        await asyncio.to_thread(guard.remember)
                    await self._round(relay, producer, wakeup, stop)
            finally:
                await producer.stop()
                await asyncio.to_thread(wakeup.close)
        if heart.error is not None and not stop.is_set():
            raise heart.error

    async def _round(self, relay: Relay, producer: BatchProducer, wakeup: LogWakeup, stop: asyncio.Event) -> None:
        outgoing = await asyncio.to_thread(relay.step)
        metrics.RELAY_LAG.set(relay.behind)
        if outgoing is not None:
            await self._produce(producer, relay, outgoing, stop)
            await self._tell(relay, producer, stop)
            return
        try:
            await self._meet_broker(relay, producer)
            self._broker_away = False
        except TransportError as error:
            self._broker_away = True
            _log.warning("relay.broker-unavailable", exc_info=error)
            await _pause(stop, _WAKE)
            return
        await self._give_heads(relay, producer, stop)
        await self._tell(relay, producer, stop)
        await self._retain(relay, producer, stop)
        await asyncio.to_thread(wakeup.wait_for_events, _WAKE)

    async def _produce(self, producer: BatchProducer, relay: Relay, outgoing: Outgoing, stop: asyncio.Event) -> None:
        if outgoing.trust_lists:
            await _ensure(relay, self._house)
        records = [*_lists(outgoing.trust_lists), *self._feed_records(outgoing.values)]
        if await self._send(relay, producer, records, stop):
            await asyncio.to_thread(relay.produced, outgoing)
            self._heads.active |= {value.unit for value in outgoing.values}
            for wish in outgoing.replays:  # whoever asked waits for a head, to know that this was all
                self._heads.last.pop(wish.unit, None)
            self._reports.delivered += len(outgoing.commit.to_report)
            metrics.RELAYED.labels("record").inc(len(records))

    async def _tell(self, relay: Relay, producer: BatchProducer, stop: asyncio.Event) -> None:
        """Tell the log what was delivered: once a second at most, or at once when many were; again what it does not hold yet, but not at once."""
        reports = self._reports
        if not reports.delivered or not (reports.many or reports.due(_REPORT_EVERY)):
            return
        told = await asyncio.to_thread(relay.report)
        if told is None:
            self._reports = _Reports(at=reports.at, delivered=0)
            return
        if told.message_id == reports.told and not reports.due(_REPORT_AGAIN):
            return
        record = hub_record(told.signed, relay.programme.directory.listed, self._house.settings.shard)
        if await self._send(relay, producer, [record], stop):
            if told.message_id != reports.told:
                metrics.REPORTED.inc(told.count)
            self._reports = _Reports(told=told.message_id, at=time.monotonic(), delivered=1)

    async def _retain(self, relay: Relay, producer: BatchProducer, stop: asyncio.Event) -> None:
        """Tell the log what was kept long enough; again what it does not hold yet, but not at once."""
        if time.monotonic() - self._retained_at < _RETAIN_EVERY:
            return
        self._retained_at = time.monotonic()
        ended = await asyncio.to_thread(relay.retain)
        listed = relay.programme.directory.listed
        await self._send(relay, producer, [client_record(one.signed, listed, one.key) for one in ended], stop)

    async def _give_heads(self, relay: Relay, producer: BatchProducer, stop: asyncio.Event) -> None:
        settings = self._house.settings
        at = self._house.clock.now()
        units = sorted(relay.programme.directory.units)
        due = self._heads.due(
            units,
            at,
            active=timedelta(seconds=settings.head_seconds),
            quiet=timedelta(seconds=settings.quiet_head_seconds),
        )
        values = await asyncio.to_thread(relay.heads, due) if due else []
        if values and await self._send(relay, producer, self._feed_records(values), stop):
            self._heads.last |= dict.fromkeys(due, at)
            self._heads.active -= set(due)
            metrics.RELAYED.labels("head").inc(len(values))
            metrics.LAST_HEAD.set(at.timestamp())

    async def _send(
        self, relay: Relay, producer: BatchProducer, records: Sequence[OutgoingRecord], stop: asyncio.Event
    ) -> bool:
        """Send until the broker has all of it; False only when told to stop or replaced. What went twice is recognised by its number."""
        pause = 0.05
        while records and not stop.is_set() and not self._fenced():
            try:
                await self._meet_broker(relay, producer)
                await producer.send(records)
                self._broker_away = False
            except TransportError as error:
                self._met, self._broker_away = None, True
                _log.warning("relay.broker-unavailable", exc_info=error)
                await _pause(stop, pause)
                pause = min(pause * 2, 2.0)
                continue
            return True
        return not records

    def _fenced(self) -> bool:
        return self._heart is not None and isinstance(self._heart.error, FencedError)

    async def _meet_broker(self, relay: Relay, producer: BatchProducer) -> None:
        """A broker not seen before, or one that lost its data: it gets the topics and the directory now, and every feed a head as soon as may be, so
        that adapters see it and ask again. Raises `TransportError`.
        """
        cluster = await producer.cluster()
        if cluster == self._met and time.monotonic() - self._topics_looked_at < _TOPICS_EVERY:
            return
        await _ensure(relay, self._house)
        self._topics_looked_at = time.monotonic()
        if cluster == self._met:
            return
        _log.info("relay.meets-broker", incarnation=cluster)
        await producer.send(_lists(await asyncio.to_thread(relay.trust_lists)))
        self._heads.last.clear()
        self._met = cluster

    def _feed_records(self, values: Sequence[FeedValue]) -> list[OutgoingRecord]:
        shard = self._house.settings.shard
        return [
            OutgoingRecord(f"feed.{value.unit}", shard, value.unit.encode(), value.value, _FEED_HEADERS)
            for value in values
        ]


def _lists(documents: Sequence[bytes]) -> list[OutgoingRecord]:
    return [OutgoingRecord(DIRECTORY, 0, b"trust-list", document, _LIST_HEADERS) for document in documents]


async def _ensure(relay: Relay, house: House) -> None:
    """Every admitted unit has a feed before anything is sent to it."""
    directory = relay.programme.directory
    try:
        await ensure_topics(
            house.connection(HubUser.DISPATCH),
            sorted(directory.units),
            partitions=directory.listed.partitions,
            shards=directory.listed.shards,
            replication=house.settings.replication,
        )
    except TransportError as error:
        _log.warning("relay.topics-not-checked", exc_info=error)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
