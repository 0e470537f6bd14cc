"""The chain over a feed, as the recipient sees it (DESIGN section 5). Pure.

Invariants: per shard there is one tip; only the next slot of its chain moves it, so no loss, repetition or reordering of records makes a gap or a
repetition behind the tip. A higher generation starts a new chain at 1; a lower one is past. A link that does not follow never moves the tip: whoever
serves two histories under one number is found out here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.delivery import Delivery, first_link, next_link
from contracts.feed_head import FeedHead
from contracts.names import ProgrammeId, UnitId


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whose feed it is."""

    programme: ProgrammeId
    unit: UnitId


@dataclass(frozen=True, slots=True)
class ChainTip:
    """The last slot that was taken in; `sequence` 0 is the start of a chain."""

    shard: int
    generation: int
    sequence: int
    link: bytes

    @classmethod
    def start(cls, recipient: Recipient, *, shard: int, generation: int) -> "ChainTip":
        """Before the first slot of a chain."""
        link = first_link(programme=recipient.programme, recipient=recipient.unit, shard=shard, generation=generation)
        return cls(shard, generation, 0, link)


Tips = Mapping[int, ChainTip]
"""The tip of each shard."""


@dataclass(frozen=True, slots=True)
class Extends:
    """The next slot; `tip` is the one behind it."""

    tip: ChainTip


@dataclass(frozen=True, slots=True)
class Known:
    """A slot, or a head, that adds nothing."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Slots from `from_sequence` on are missing: to be asked for."""

    shard: int
    generation: int
    from_sequence: int


@dataclass(frozen=True, slots=True)
class Forked:
    """Another history than the one that was taken in."""

    shard: int
    generation: int
    sequence: int


def place(delivery: Delivery, tips: Tips, recipient: Recipient) -> Extends | Known | Gap | Forked:
    """Where a verified delivery belongs."""
    tip = _tip(delivery.shard, delivery.generation, tips, recipient)
    if tip is None or delivery.sequence < tip.sequence:
        return Known()
    if delivery.sequence == tip.sequence:
        return Known() if delivery.link == tip.link.hex() else _forked(delivery)
    if delivery.sequence > tip.sequence + 1:
        return Gap(tip.shard, tip.generation, tip.sequence + 1)
    link = next_link(
        tip.link,
        recipient=recipient.unit,
        sequence=delivery.sequence,
        position=delivery.position,
        digest=bytes.fromhex(delivery.digest),
    )
    if link.hex() != delivery.link:
        return _forked(delivery)
    return Extends(ChainTip(tip.shard, tip.generation, delivery.sequence, link))


def place_head(head: FeedHead, tips: Tips, recipient: Recipient) -> Extends | Known | Gap | Forked:
    """What a verified head says of the chain: `Extends` when it is reached (its tip is then the reader's), `Known` when it is past."""
    tip = _tip(head.shard, head.generation, tips, recipient)
    if tip is None or head.sequence < tip.sequence:
        return Known()
    if head.sequence > tip.sequence:
        return Gap(tip.shard, tip.generation, tip.sequence + 1)
    return Extends(tip) if head.link == tip.link.hex() else _forked(head)


def _tip(shard: int, generation: int, tips: Tips, recipient: Recipient) -> ChainTip | None:
    """The tip that a record of this generation is compared with; None when its generation is past."""
    tip = tips.get(shard)
    if tip is None or generation > tip.generation:
        return ChainTip.start(recipient, shard=shard, generation=generation)
    return tip if generation == tip.generation else None


def _forked(record: Delivery | FeedHead) -> Forked:
    return Forked(record.shard, record.generation, record.sequence)
