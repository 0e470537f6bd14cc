"""The line between a ledger and its witnesses: announcements onto `hub.ledger`, sightings off `hub.witness`, and outside witnesses over HTTP.

Invariants: it speaks only while its process holds the ledger; it reads the ledger's files and never writes what the ledger goes on from; the broker's
or a witness's troubles never stop the ledger. A new broker is told again.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog
from aiokafka.structs import TopicPartition

from contracts.kafka_record import CONTENT_TYPE
from contracts.ledger import announcement
from contracts.ledger.announcement import Announcement, AnnouncementError
from contracts.ledger.listed_keys import witness_keys
from contracts.ledger.signed_note import NoteSigner
from contracts.merkle import ProofError
from hub.application.announcing import Announcer, Pace, Witnesses
from hub.application.broker_permissions import LEDGER, WITNESS, HubUser
from hub.application.ports import HubError
from hub.application.programme import Programme
from hub.entrypoints import metrics
from hub.entrypoints.house import House
from hub.infrastructure.ledger_alarms import LedgerAlarms
from hub.infrastructure.outside_witness import OutsideWitness
from hub.infrastructure.tile_files import TileFiles
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.errors import TransportError
from projections.kafka.follower import TopicFollower
from projections.kafka.positions import InputPosition, RawRecord

_LOOK: Final = 0.25
_LIST_EVERY: Final = 2.0
_CLUSTER_EVERY: Final = 5.0
_AGAIN: Final = 1.0
_ASK_EVERY: Final = 5.0
_HEADERS: Final = ((CONTENT_TYPE, announcement.CONTENT_TYPE.encode()),)
_log = structlog.get_logger("spojka.hub.ledger")


class WitnessLine:
    """Speaks for one shard's ledger. `programme` gives the trust list as at the head; called in another thread."""

    def __init__(
        self, house: House, files: TileFiles, signer: NoteSigner, *, programme: Callable[[], Programme]
    ) -> None:
        settings = house.settings
        self._house = house
        self._programme = programme
        self._announcer = Announcer(
            files, signer, pace=Pace(settings.ledger_announce_seconds, settings.ledger_witness_seconds)
        )
        self._alarms = LedgerAlarms(settings.home, settings.shard)
        self._open_alarms = len(self._alarms.open())
        metrics.LEDGER_CONTRADICTED.set(self._open_alarms)
        self._outside = [OutsideWitness.of(one) for one in settings.outside_witnesses]
        self._witnesses: Witnesses = {}
        self._heard: list[RawRecord] = []
        self._news = asyncio.Event()
        self._positions: dict[TopicPartition, InputPosition] = {}
        self._met: str | None = None
        self._cluster_at = self._list_at = self._asked_at = float("-inf")

    @property
    def counts(self) -> Mapping[str, int]:
        """For `/health`."""
        return {"ledger_witnessed": self._announcer.witnessed, "ledger_contradicted": self._open_alarms}

    @property
    def contradicted(self) -> bool:
        """A witness has seen another history, and nobody has acknowledged it: a person must look."""
        return self._open_alarms > 0

    async def run(self, stop: asyncio.Event) -> None:
        """Speak and listen until told to stop."""
        follower = TopicFollower(
            connection=self._house.connection(HubUser.LEDGER),
            partitions=[TopicPartition(WITNESS, self._house.settings.shard)],
            positions=self._read_up_to,
            handle=self._take,
        )
        producer = BatchProducer(connection=self._house.connection(HubUser.LEDGER))
        listening = asyncio.create_task(follower.run(stop))
        asking = asyncio.create_task(self._ask_outside(stop))
        try:
            while not stop.is_set():
                await self._round(producer, stop)
        finally:
            await asyncio.gather(listening, asking)
            await producer.stop()

    async def _round(self, producer: BatchProducer, stop: asyncio.Event) -> None:
        try:
            await self._meet(producer)
            for one in await asyncio.to_thread(self._next):
                await producer.send([self._record(one)])
        except TransportError as error:
            _log.warning("ledger.broker-unavailable", exc_info=error)
            self._met = None
            await _pause(stop, _AGAIN)
        except (HubError, ProofError) as error:
            _log.warning("ledger.not-announced", exc_info=error)
            await _pause(stop, _AGAIN)
        self._news.clear()
        await _first_of(stop, self._news, seconds=_LOOK)

    def _next(self) -> list[Announcement]:
        now = time.monotonic()
        if now - self._list_at >= _LIST_EVERY:
            self._list_at, programme = now, self._programme()
            self._witnesses = witness_keys(programme.directory, self._house.clock.now())
            self._count_alarms()
        heard, self._heard = self._heard, []
        for record in heard:
            self._hear(record)
        for said in self._announcer.denied():
            if self._alarms.ring(said, at=self._house.clock.now()):
                _log.error("ledger.contradicted", unit=said.unit, size=said.size)
                self._count_alarms()
        found = self._announcer.next(self._witnesses)
        metrics.LEDGER_WITNESSED.set(self._announcer.witnessed)
        return found

    def _count_alarms(self) -> None:
        """Somebody may have acknowledged one."""
        self._open_alarms = len(self._alarms.open())
        metrics.LEDGER_CONTRADICTED.set(self._open_alarms)

    def _hear(self, record: RawRecord) -> None:
        try:
            said = announcement.read_sighting(record.value or b"")
        except AnnouncementError:
            _log.warning("ledger.sighting-unreadable", offset=record.offset)
            return
        self._announcer.hear(said, self._witnesses)

    def _record(self, one: Announcement) -> OutgoingRecord:
        return OutgoingRecord(LEDGER, self._house.settings.shard, b"ledger", one.document, _HEADERS)

    async def _meet(self, producer: BatchProducer) -> None:
        """A broker not seen before is told what the one before was. Raises `TransportError`."""
        now = time.monotonic()
        if self._met is not None and now - self._cluster_at < _CLUSTER_EVERY:
            return
        cluster = await producer.cluster()
        self._cluster_at = now
        if cluster != self._met:
            self._met = cluster
            self._announcer.again()

    async def _read_up_to(self) -> dict[TopicPartition, InputPosition]:
        return dict(self._positions)

    async def _take(self, batch: Sequence[RawRecord]) -> None:
        self._heard.extend(batch)
        last = batch[-1]
        self._positions[TopicPartition(last.topic, last.partition)] = InputPosition.behind(last)
        self._news.set()

    async def _ask_outside(self, stop: asyncio.Event) -> None:
        """Witnesses that somebody else runs, each asked about what was announced last until it cosigned that."""
        while self._outside and not stop.is_set():
            note = self._announcer.told
            for witness in self._outside if note is not None else ():
                assert note is not None  # noqa: S101 - the loop has nothing otherwise
                found = await asyncio.to_thread(witness.ask, note, self._announcer.proof)
                if found:
                    self._announcer.cosign(found)
                    self._news.set()
            await _pause(stop, _ASK_EVERY)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def _first_of(*events: asyncio.Event, seconds: float) -> None:
    waiting = [asyncio.create_task(one.wait()) for one in events]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()
