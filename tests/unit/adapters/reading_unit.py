"""A unit that reads a simulated hub's feed without a broker: records are handed to it as a topic would."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.exchange.directory_book import DirectoryBook
from adapters.exchange.feed_chain import Recipient
from adapters.exchange.feed_intake import FeedIntake
from adapters.storage.trust_lists import KeptTrustList
from adapters.storage.unit_store import UnitStore
from contracts.names import UnitId
from projections.kafka.positions import RawRecord
from tests.simulated_hub import NOON, PROGRAMME, SimulatedFeed, SimulatedHub

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

OP, UP = UnitId("op"), UnitId("up")
TOPIC = "feed.up"


@dataclass
class TurnedClock:
    """A clock that the test turns."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at


@dataclass
class ReadingUnit:
    """UP, its store and its feed."""

    folder: Path
    hub: SimulatedHub = field(default_factory=SimulatedHub)
    clock: TurnedClock = field(default_factory=TurnedClock)

    def __post_init__(self) -> None:
        self.feed = SimulatedFeed(self.hub, UP)
        self.store = UnitStore.open(self.folder / "unit.db")
        with self.store.write() as tx:
            tx.trust_lists.keep(KeptTrustList(1, self.hub.envelopes[0], NOON))
        self.book = DirectoryBook(self.store, unit=UP, roots=self.hub.roots)
        self.intake = FeedIntake(store=self.store, recipient=Recipient(PROGRAMME, UP), book=self.book, clock=self.clock)
        self._offset = 0

    def records(self, *values: bytes, topic: str = TOPIC) -> list[RawRecord]:
        """As the topic gives them."""
        made = []
        for value in values:
            made.append(RawRecord(topic, 0, self._offset, "first", None, value, (), 0))
            self._offset += 1
        return made

    def read_up_to(self) -> int:
        """How far the feed's topic was read."""
        with self.store.read() as tx:
            found = tx.places.positions(TOPIC)
        return found[0].next_offset if found else 0
