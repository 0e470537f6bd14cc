"""A unit that reads a simulated hub's feed without a broker: records are handed to it as a topic would."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.exchange.directory_book import DirectoryBook
from adapters.exchange.feed_chain import Recipient
from adapters.exchange.feed_intake import FeedIntake
from adapters.storage.trust_lists import KeptTrustList
from adapters.storage.unit_store import UnitStore
from contracts.names import KeyId, UnitId
from projections.kafka.positions import RawRecord
from tests.simulated_hub import NOON, PROGRAMME, SimulatedFeed, SimulatedHub

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from contracts.sealing.suites import OpeningKey

OP, UP = UnitId("op"), UnitId("up")


@dataclass
class TurnedClock:
    """A clock that the test turns."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at


@dataclass
class ReadingUnit:
    """A unit, its store and its feed."""

    folder: Path
    hub: SimulatedHub = field(default_factory=SimulatedHub)
    clock: TurnedClock = field(default_factory=TurnedClock)
    unit: UnitId = UP

    def __post_init__(self) -> None:
        self.feed = SimulatedFeed(self.hub, self.unit)
        mine = self.hub.opening_keys.get(self.unit)
        self.keyring: dict[KeyId, OpeningKey] = {} if mine is None else {mine.key_id: mine}
        self.store = UnitStore.open(self.folder / "unit.db")
        with self.store.write() as tx:
            tx.trust_lists.keep(KeptTrustList(1, self.hub.envelopes[0], NOON))
        self.book = DirectoryBook(self.store, unit=self.unit, roots=self.hub.roots)
        self.intake = FeedIntake(
            store=self.store,
            recipient=Recipient(PROGRAMME, self.unit),
            book=self.book,
            clock=self.clock,
            opening=self.keyring.get,
        )
        self._offset = 0

    def records(self, *values: bytes, topic: str | None = None) -> list[RawRecord]:
        """As the topic gives them."""
        made, topic = [], topic or f"feed.{self.unit}"
        for value in values:
            made.append(RawRecord(topic, 0, self._offset, "first", None, value, (), 0))
            self._offset += 1
        return made

    def read_up_to(self) -> int:
        """How far the feed's topic was read."""
        with self.store.read() as tx:
            found = tx.places.positions(f"feed.{self.unit}")
        return found[0].next_offset if found else 0
