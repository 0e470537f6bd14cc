"""Numbering and linking the slots of every feed: the pure arithmetic of the relay.

Invariants: numbers rise by one a feed from 1; the link of a slot covers all before it; numbering does not change the feeds in hand, it returns
new ones, so that a failed commit leaves nothing behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from contracts.delivery import Delivery, first_link, next_link
from contracts.names import GroundId, ProgrammeId, RecordKey, SubjectId, UnitId
from hub.application.ports import DeliveryRow, FeedState
from hub.domain.events import StoredMessage


@dataclass(frozen=True, slots=True)
class Slot:
    """What is to be given to a unit, before it has a number."""

    unit: UnitId
    ground: GroundId | None
    position: int
    key: RecordKey
    message: StoredMessage


@dataclass(frozen=True, slots=True)
class Feeds:
    """Every feed of one shard and generation, as far as it was committed."""

    programme: ProgrammeId
    shard: int
    generation: int
    states: Mapping[UnitId, FeedState]

    def state(self, unit: UnitId) -> FeedState:
        """Where a feed stands; a feed that never had a slot stands before its first."""
        known = self.states.get(unit)
        if known is not None:
            return known
        link = first_link(programme=self.programme, recipient=unit, shard=self.shard, generation=self.generation)
        return FeedState(unit, 0, link)

    def number(self, slots: Sequence[Slot]) -> tuple[list[DeliveryRow], "Feeds"]:
        """Give the slots numbers and links, in their order; rows are not signed yet."""
        states = dict(self.states)
        rows = []
        for slot in slots:
            before = states.get(slot.unit) or self.state(slot.unit)
            digest = sha256(slot.message.payload).digest()
            sequence = before.sequence + 1
            link = next_link(before.link, recipient=slot.unit, sequence=sequence, position=slot.position, digest=digest)
            states[slot.unit] = FeedState(slot.unit, sequence, link)
            rows.append(
                DeliveryRow(
                    unit=slot.unit,
                    sequence=sequence,
                    link=link,
                    position=slot.position,
                    key=slot.key,
                    ground=slot.ground or None,
                    digest=digest,
                    withheld=False,
                    signed=b"",
                )
            )
        return rows, replace(self, states=states)

    def document(self, row: DeliveryRow) -> Delivery:
        """What is signed for a slot."""
        return Delivery(
            programme=self.programme,
            recipient=row.unit,
            shard=self.shard,
            generation=self.generation,
            sequence=row.sequence,
            link=row.link.hex(),
            position=row.position,
            ground_id=row.ground,
            subject=SubjectId(row.key) if row.key.startswith(("r1.", "h1.")) else None,
            digest=row.digest.hex(),
            verdict="withheld" if row.withheld else "given",
        )
