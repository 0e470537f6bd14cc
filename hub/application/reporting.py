"""What dispatch delivered, back into the log as the hub's own messages (DESIGN section 7: `delivery.reported`).

Invariants: a range of slots is fixed in the store before it is told; its id and bytes follow from shard, generation and range, so telling it again is
telling it once; a range is told until the log holds it, and only then the next; a slot is told only after it was produced.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.messages.hub import DeliveryReported
from contracts.names import MessageId
from contracts.signed_bytes import SignedBytes
from hub.application.hub_voice import HubVoice
from hub.application.ports import RelayStore, Report

AT_ONCE: Final = 2000
"""Slots in one report: the longest unit names still fit a record."""


@dataclass(frozen=True, slots=True)
class Told:
    """A report as it is to stand on the inbox under the shard's own key."""

    message_id: MessageId
    signed: SignedBytes
    count: int


class Reporting:
    """Tells the log of one shard. Not thread-safe."""

    def __init__(self, store: RelayStore, voice: HubVoice, *, shard: int) -> None:
        self._store = store
        self._voice = voice
        self._shard = shard

    def next(self, at: datetime, *, epoch: int) -> Told | None:
        """The report that the log does not hold yet, the same until it does; None where all is told. Raises `FencedError`."""
        while (report := self._store.report(at=at, limit=AT_ONCE, epoch=epoch)) is not None:
            told = self._told(report)
            if not self._store.find([(self._voice.source, told.message_id)]):
                return told
            self._store.reported(report, epoch=epoch)
        return None

    def _told(self, report: Report) -> Told:
        facts = DeliveryReported(shard=self._shard, generation=report.generation, deliveries=report.deliveries)
        name = f"delivery-report/{self._shard}/{report.generation}/{report.first}-{report.through}"
        message_id, signed = self._voice.say(facts, name=name, at=report.at)
        return Told(message_id, signed, len(report.deliveries))
