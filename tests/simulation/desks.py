"""The units of the story with their own desks and databases, joined to the hub of `programme` by hand-carried records.

Deterministic but for keys, subjects and ids. A unit's line may be down: then nothing of it goes or comes.
"""

from collections.abc import Sequence
from pathlib import Path

from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.storage.feed import DeliveryItem, FeedItem, HeadItem, ReceiptItem, ReleaseItem, accept_feed
from adapters.storage.outbox import Sending
from adapters.storage.unit_store import UnitStore
from contracts.delivery import Delivery
from contracts.envelope import parse
from contracts.feed_head import FeedHead
from contracts.feed_record import FeedRecord, document
from contracts.kafka_record import SEALED_KEY
from contracts.names import UnitId
from contracts.receipt import Receipt
from contracts.trust_list import Directory
from projections.encrypted_file import DatabaseKey
from tests.simulation.programme import DECIN, Simulation


class DeskUnit:
    """One unit: its desk, its database, and how far it has read its feed."""

    def __init__(self, name: str, hub: Simulation, where: str | Path, key: DatabaseKey | None = None) -> None:
        self.name = UnitId(name)
        self.hub = hub
        self.online = True
        self.directory: Directory | None = hub.directory
        self.store = UnitStore.open(where, key)
        signer = Signer(DECIN, hub.units[name].key)
        self.desk = Desk(self.store, signer=signer, directory=lambda: self.directory, clock=hub.clock)
        self._read = 0

    def send(self) -> int:
        """Carry what may go to the hub; returns how many messages."""
        with self.store.read() as tx:
            messages = tx.outbox.next_to_send(100) if self.online else ()
        for one in messages:
            record = self.hub.record(one.signed, one.record_key)
            beside = () if one.deposit is None else ((SEALED_KEY, one.deposit),)
            self.hub.take([record._replace(headers=(*record.headers, *beside))])
            with self.store.write() as tx:
                sending = Sending(one.message_id, record.partition, record.offset, record.incarnation)
                tx.outbox.mark_sent([sending], at=self.hub.clock.now())
        return len(messages)

    @property
    def has_news(self) -> bool:
        """Whether something new lies on its feed."""
        return self.online and len(self.hub.feeds.get(self.name, ())) > self._read

    def receive(self, released: Sequence[ReleaseItem] = ()) -> int:
        """Take what lies on the feed, and these keys in front of it; returns how many records."""
        records = self.hub.feeds.get(self.name, [])[self._read :] if self.online else []
        items = [*released, *(feed_item(one) for one in records)]
        taken = accept_feed(self.store, items, [], at=self.hub.clock.now())
        self._read += len(records)
        self.desk.tend(taken.reshaped)
        return len(records)


class Town:
    """All units of the story; `settle` lets everything that was said arrive."""

    def __init__(self, folder: Path, hub: Simulation | None = None) -> None:
        self.hub = Simulation() if hub is None else hub
        if hub is None:
            self.hub.publish_trust_list()
        self.units = {name: DeskUnit(name, self.hub, folder / f"{name}.db") for name in self.hub.units}

    def __getitem__(self, name: str) -> DeskUnit:
        return self.units[name]

    def settle(self) -> None:
        """Until nothing moves any more."""
        moved = True
        while moved:
            sent = sum(unit.send() for unit in self.units.values())
            self.hub.relay_all()
            moved = sent + sum(unit.receive() for unit in self.units.values()) > 0

    def close(self) -> None:
        """Close the databases."""
        for unit in self.units.values():
            unit.store.close()


def feed_item(record: FeedRecord) -> FeedItem:
    """A record of the simulated feed, whose signatures nobody forged, as the store takes it."""
    if record.kind == "receipt":
        return ReceiptItem(document(record.signed, Receipt), record.signed)
    if record.kind == "head":
        return HeadItem(document(record.signed, FeedHead))
    message = None if record.message is None else parse(record.message.payload)
    return DeliveryItem(document(record.signed, Delivery), record.signed, record.message, message)
