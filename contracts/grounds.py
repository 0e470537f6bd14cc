"""Grounds as every side sees them: the state that `permit` judges by, and how messages change it.

Invariants: pure and total; a message that does not apply changes nothing; `recorded` is the log's time (at a unit: the time of receipt), by which
`history_from` defaults; ended grounds stay, so that a later check can say why it denied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from contracts.categories import Category, Purpose
from contracts.facts import Facts
from contracts.grants import Grant, Recipient
from contracts.messages.consent import ConsentAttested, ConsentExtended, ConsentGiven, ConsentNarrowed, ConsentWithdrawn
from contracts.messages.ground import GroundEnded, GroundRegistered
from contracts.messages.hub import ConsentExpired, GroundExpired
from contracts.names import GroundId, UnitId

_NEVER: Final[datetime | None] = None
_CHANGING: Final = frozenset(
    {
        ConsentGiven,
        ConsentExtended,
        ConsentNarrowed,
        ConsentAttested,
        ConsentWithdrawn,
        ConsentExpired,
        GroundRegistered,
        GroundEnded,
        GroundExpired,
    }
)


@dataclass(frozen=True, slots=True)
class Opening:
    """One grant as it was recorded: plain values, light enough to be kept by the hundred thousand."""

    sources: frozenset[UnitId]
    recipient: Recipient
    purpose: Purpose
    categories: frozenset[Category]
    history_from: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Ground:
    """A consent or a statutory ground about one subject."""

    ground_id: GroundId
    collector: UnitId
    statutory: bool
    paper: frozenset[str]
    """What the paper is; empty for a statutory ground."""
    basis: frozenset[str]
    """Legal bases of a statutory ground; empty for a consent."""
    explicit: bool
    openings: tuple[Opening, ...]
    attested: frozenset[UnitId] = frozenset()
    ended_at: datetime | None = _NEVER

    def active(self, at: datetime) -> bool:
        """True while it was not withdrawn or ended."""
        return self.ended_at is None or at < self.ended_at

    def opens_entries_of(self, source: UnitId) -> bool:
        """The collector's own at once, another named source's after its attestation, a statutory ground's sources by law."""
        return self.statutory or source == self.collector or source in self.attested


Grounds = Mapping[GroundId, Ground]


def renewed(one: Opening, ground: Ground) -> bool:
    """True where another grant of the same ground opens all that `one` does, for longer."""
    return any(
        other.until > one.until
        and other.recipient == one.recipient
        and other.purpose is one.purpose
        and other.sources >= one.sources
        and other.categories >= one.categories
        for other in ground.openings
    )


def opening(grant: Grant, recorded: datetime) -> Opening:
    """A grant as plain values; `history_from` defaults to now."""
    return Opening(
        sources=frozenset(grant.sources),
        recipient=grant.recipient,
        purpose=grant.purpose,
        categories=frozenset(grant.categories),
        history_from=grant.history_from or recorded,
        until=grant.until,
    )


def apply(grounds: Grounds, facts: Facts, *, author: UnitId, recorded: datetime) -> Grounds:
    """The grounds after an accepted message by `author`, recorded at `recorded`."""
    if type(facts) not in _CHANGING:  # most messages: one look instead of nine
        return grounds
    match facts:
        case ConsentGiven():
            known = grounds.get(facts.consent_id)
            changed = _given(known, facts, author=author, recorded=recorded)
        case GroundRegistered():
            changed = _registered(facts, author=author, recorded=recorded)
        case ConsentExtended() | ConsentNarrowed() | ConsentAttested() | ConsentWithdrawn() | ConsentExpired():
            known = grounds.get(facts.consent_id)
            if known is None:
                return grounds
            changed = _changed(known, facts, author=author, recorded=recorded)
        case GroundEnded() | GroundExpired():
            known = grounds.get(facts.ground_id)
            if known is None:
                return grounds
            changed = replace(known, ended_at=recorded) if isinstance(facts, GroundEnded) else known
        case _:
            return grounds
    return {**grounds, changed.ground_id: changed}


def _given(known: Ground | None, facts: ConsentGiven, *, author: UnitId, recorded: datetime) -> Ground:
    openings = tuple(opening(grant, recorded) for grant in facts.grants)
    if known is not None:
        return replace(known, openings=known.openings + openings)
    return Ground(
        ground_id=facts.consent_id,
        collector=author,
        statutory=False,
        paper=frozenset(facts.paper),
        basis=frozenset(),
        explicit=facts.explicit,
        openings=openings,
    )


def _registered(facts: GroundRegistered, *, author: UnitId, recorded: datetime) -> Ground:
    return Ground(
        ground_id=facts.ground_id,
        collector=author,
        statutory=True,
        paper=frozenset(),
        basis=frozenset(facts.basis),
        explicit=False,
        openings=tuple(opening(grant, recorded) for grant in facts.grants),
    )


def _changed(
    known: Ground,
    facts: ConsentExtended | ConsentNarrowed | ConsentAttested | ConsentWithdrawn | ConsentExpired,
    *,
    author: UnitId,
    recorded: datetime,
) -> Ground:
    match facts:
        case ConsentExtended():
            return replace(known, openings=known.openings + tuple(opening(grant, recorded) for grant in facts.grants))
        case ConsentNarrowed():
            return _narrowed(known, facts, recorded)
        case ConsentAttested():
            return replace(known, attested=known.attested | {author})
        case ConsentWithdrawn():
            return replace(known, ended_at=recorded)
        case ConsentExpired():
            return known


def _narrowed(known: Ground, facts: ConsentNarrowed, recorded: datetime) -> Ground:
    """The recipient's part is replaced by what remains, with the history that it had: narrowing never opens anything."""
    others = tuple(one for one in known.openings if one.recipient != facts.recipient)
    before = [one for one in known.openings if one.recipient == facts.recipient]
    remaining = tuple(
        narrowed
        for one in (opening(grant, recorded) for grant in facts.grants)
        for old in before
        if (narrowed := _overlap(one, old)) is not None
    )
    openings = others + remaining
    return replace(known, openings=openings, ended_at=None if openings else recorded)


def _overlap(one: Opening, old: Opening) -> Opening | None:
    sources, categories = one.sources & old.sources, one.categories & old.categories
    if not sources or not categories or one.purpose is not old.purpose:
        return None
    return Opening(
        sources=sources,
        recipient=one.recipient,
        purpose=one.purpose,
        categories=categories,
        history_from=old.history_from,
        until=min(one.until, old.until),
    )
