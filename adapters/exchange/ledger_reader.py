"""Follows `hub.ledger` for one unit and sends its sightings on `hub.witness`.

Invariants: what was taken and how far the topic was read are written in one transaction, durable before anything of it is cosigned; a sighting that
could not be sent is sent later, the last one of each ledger only. The broker's troubles end nothing.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog
from aiokafka.structs import TopicPartition

from adapters.exchange.ledger_watch import LedgerWatch
from adapters.storage.unit_store import UnitStore
from contracts.kafka_record import CONTENT_TYPE
from contracts.ledger import announcement
from contracts.ledger.announcement import Sighting
from contracts.names import UnitId
from projections.kafka.batch_producer import OutgoingRecord, SentAt
from projections.kafka.drive import Batch
from projections.kafka.errors import TransportError
from projections.kafka.positions import InputPosition
from projections.process.clock import Clock

LEDGER: Final = "hub.ledger"
WITNESS: Final = "hub.witness"
_HEADERS: Final = ((CONTENT_TYPE, announcement.CONTENT_TYPE.encode()),)
_AGAIN: Final = 10.0
"""Seconds before a sighting that did not get through is sent again."""
_PROVE_EVERY: Final = 1.0
_log = structlog.get_logger("spojka.ledger")


class Sender(Protocol):
    """What this needs of `BatchProducer`."""

    async def send(self, records: Sequence[OutgoingRecord]) -> list[SentAt]:
        """Store all records, or raise `TransportError`."""


class LedgerReader:
    """Handles the ledger's topic for one unit."""

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        *,
        store: UnitStore,
        watch: LedgerWatch,
        sender: Sender,
        unit: UnitId,
        shards: int,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._watch = watch
        self._sender = sender
        self._unit = unit
        self._shards = tuple(range(shards))
        self._clock = clock
        self._monotonic = monotonic
        self._unsent: dict[int, Sighting] = {}
        self._again_at = self._prove_at = float("-inf")

    @property
    def partitions(self) -> list[TopicPartition]:
        """What to follow: partition = shard."""
        return [TopicPartition(LEDGER, shard) for shard in self._shards]

    async def positions(self) -> Mapping[TopicPartition, InputPosition]:
        """How far the topic was read."""
        return await asyncio.to_thread(self._positions)

    async def handle(self, batch: Batch) -> None:
        """Take a stretch of the topic, and say what was seen."""
        self._unsent |= await asyncio.to_thread(self._take, batch)
        await self._send()

    async def tick(self) -> None:
        """Now and then: what could not be sent, and receipts that came after the checkpoint that proves them."""
        now = self._monotonic()
        if self._unsent and now >= self._again_at:
            await self._send()
        if now >= self._prove_at:
            self._prove_at = now + _PROVE_EVERY
            await asyncio.to_thread(self._prove)

    async def _send(self) -> None:
        unsent = dict(self._unsent)
        records = [
            OutgoingRecord(WITNESS, shard, self._unit.encode(), one.document, _HEADERS) for shard, one in unsent.items()
        ]
        if not records:
            return
        try:
            await self._sender.send(records)
        except TransportError as error:
            self._again_at = self._monotonic() + _AGAIN
            _log.warning("sighting not sent", exc_info=error)
            return
        self._unsent = {shard: one for shard, one in self._unsent.items() if one is not unsent.get(shard)}

    def _positions(self) -> Mapping[TopicPartition, InputPosition]:
        with self._store.read() as tx:
            return {TopicPartition(LEDGER, number): one for number, one in tx.places.positions(LEDGER).items()}

    def _take(self, batch: Batch) -> dict[int, Sighting]:
        said: dict[int, Sighting] = {}
        at = self._clock.now()
        with self._store.write() as tx:
            for record in batch:
                found = self._watch.take(tx, record, at=at)
                if found is not None:
                    said[record.partition] = found
                tx.places.set_position(InputPosition.behind(record))
        return said

    def _prove(self) -> None:
        at = self._clock.now()
        with self._store.read() as tx:
            newest = {shard: tx.ledger.witnessed(shard) for shard in self._shards}
            due = [
                shard for shard, one in newest.items() if one is not None and tx.proofs.owed(shard, below=one.head.size)
            ]
        for shard in due:
            with self._store.write() as tx:
                self._watch.prove(tx, shard, at=at)
                tx.ledger.prune(shard, at=at)
