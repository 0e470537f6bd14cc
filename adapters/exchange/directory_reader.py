"""Follows `hub.directory`: takes each version of the trust list in order, and says so when it is about this unit.

Invariants: what was taken and how far the topic was read are written in one transaction; a list that is refused is kept apart and counted, and
the one before stays in force.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from aiokafka.structs import TopicPartition

from adapters.exchange.directory_book import Added, DirectoryBook, Known, Refused
from adapters.storage.suspicious import SuspiciousRecord
from adapters.storage.unit_store import Transaction, UnitStore
from contracts.trust_list import Directory
from projections.kafka.drive import Batch
from projections.kafka.positions import InputPosition, RawRecord
from projections.process.clock import Clock

DIRECTORY: Final = "hub.directory"
PARTITION: Final = TopicPartition(DIRECTORY, 0)
REFUSED_LIST: Final = "refused-trust-list"
"""The reason under which a refused list is kept apart."""

_log = structlog.get_logger("spojka.directory")


class DirectoryReader:
    """Handles the directory topic for one unit; `changed` is called after each new list."""

    def __init__(
        self, *, store: UnitStore, book: DirectoryBook, clock: Clock, changed: Callable[[Directory], None]
    ) -> None:
        self._store = store
        self._book = book
        self._clock = clock
        self._changed = changed

    async def positions(self) -> Mapping[TopicPartition, InputPosition]:
        """How far the topic was read."""
        return await asyncio.to_thread(self._positions)

    async def handle(self, batch: Batch) -> None:
        """Take a stretch of the topic."""
        newest = await asyncio.to_thread(self._take, batch)
        if newest is not None:
            self._changed(newest)

    def _positions(self) -> Mapping[TopicPartition, InputPosition]:
        with self._store.read() as tx:
            return {TopicPartition(DIRECTORY, p): one for p, one in tx.places.positions(DIRECTORY).items()}

    def _take(self, batch: Batch) -> Directory | None:
        added: list[Added] = []
        with self._store.write() as tx:
            for record in batch:
                match self._book.offer(tx, record.value or b"", at=self._clock.now()):
                    case Added() as one:
                        added.append(one)
                    case Refused() as refused:
                        self._refuse(tx, record, refused)
                    case Known():
                        pass
                tx.places.set_position(InputPosition.behind(record))
        for one in added:
            self._book.keep(one)
        return added[-1].directory if added else None

    def _refuse(self, tx: Transaction, record: RawRecord, refused: Refused) -> None:
        self._book.alarms.refused += 1
        _log.error("trust list refused", offset=record.offset, problem=refused.problem, advice=refused.advice)
        tx.suspicious.add(
            SuspiciousRecord(
                record.topic, record.partition, record.offset, REFUSED_LIST, record.value or b"", self._clock.now()
            )
        )
