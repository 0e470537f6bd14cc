"""The support path: everything shared about one subject, as the hub's rules need it. A fold over the log.

Invariants: `evolve` is pure and total; replaying the same events gives the same state; the state holds no content, only who published what kind of
entry when and to whom it was to be given. Plain slotted classes, since a writer keeps many thousands of them; what each message makes anew is a
named tuple, made in a fifth of the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from contracts import grounds as ground_rules
from contracts.catalogue import Audience
from contracts.categories import Category, Purpose
from contracts.envelope import Message
from contracts.gate import Restriction
from contracts.grounds import Grounds
from contracts.messages.client import ClientClosed, ClientEnrolled
from contracts.messages.erasure import ErasureRequested, RetentionEnded
from contracts.messages.hub import ObligationOpened, ObligationOverdue
from contracts.messages.obligation import ObligationAnswered
from contracts.messages.processing import ProcessingLifted, ProcessingRestricted
from contracts.messages.referral import ReferralFacts
from contracts.messages.subject import PairingOffered, SubjectFacts, SubjectMerged, SubjectPaired, SubjectSplit
from contracts.names import MergeId, MessageId, ObligationId, RecordKey, ReferralId, Source, UnitId
from hub.domain.events import MessageAccepted, MessageRefused
from hub.domain.referral import Referral
from hub.domain.referral import evolve as evolve_referral

_KeyT = TypeVar("_KeyT")
_ValueT = TypeVar("_ValueT")
_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})
_CHANGING: Final = frozenset(
    {
        ClientEnrolled,
        ClientClosed,
        ProcessingRestricted,
        ProcessingLifted,
        ErasureRequested,
        RetentionEnded,
        ObligationOpened,
        ObligationAnswered,
        ObligationOverdue,
    }
)
"""The facts that change more than sequence, grounds, referrals and entries; those of one person with two subjects apart."""


class Entry(NamedTuple):
    """One accepted entry that a ground may open: routing attributes and who was to be given it."""

    message_id: MessageId
    author: UnitId
    audience: Audience
    category: Category
    purpose: Purpose
    occurred: datetime
    position: int
    recipients: frozenset[UnitId]
    recorded: int
    """When the hub recorded it: seconds since 1970, UTC, rounded down."""
    referral_id: ReferralId | None = None


@dataclass(frozen=True, slots=True)
class Obligation:
    """A duty of one unit to erase some entries."""

    obligation_id: ObligationId
    unit: UnitId
    entries: frozenset[MessageId]
    due: datetime
    open: bool = True
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Pairing:
    """The one pairing code whose meeting subject this is."""

    issuer: UnitId
    until: datetime
    wrapped: str
    taken_by: UnitId | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """That this subject and another are said to be one person."""

    proposer: UnitId
    told: frozenset[UnitId]
    """Who was told of this side, the reviewer among them."""
    reviewer: UnitId | None = None
    split: bool = False


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is to be erased: all recorded up to a position, or what of it is of some categories, or was recorded before some instant."""

    message_id: MessageId
    unit: UnitId
    """Who asked, for the client; the hub where it was kept long enough."""
    categories: frozenset[Category]
    """Empty: all."""
    through: int
    before: int | None = None
    """Seconds since 1970, UTC."""

    def covers(self, entry: Entry) -> bool:
        """Whether the entry is among it."""
        old = entry.position <= self.through and (self.before is None or entry.recorded < self.before)
        return old and (not self.categories or entry.category in self.categories)


class SupportPath(NamedTuple):
    """State about one record key: a subject, or a source for messages about none."""

    key: RecordKey
    sequences: Mapping[Source, int] = _NONE
    grounds: Grounds = _NONE
    grounds_position: int = -1
    """Where a ground last changed: recorded with every decision."""
    referrals: Mapping[ReferralId, Referral] = _NONE
    entries: Mapping[MessageId, Entry] = _NONE
    enrolled: frozenset[UnitId] = frozenset()
    restrictions: tuple[Restriction, ...] = ()
    obligations: Mapping[ObligationId, Obligation] = _NONE
    opened_ranges: Mapping[tuple[UnitId, UnitId], int] = _NONE
    """By unit and source: up to which position back-fills opened the source's entries to the unit, where a ground covered them."""
    pairing: Pairing | None = None
    merges: Mapping[MergeId, Merge] = _NONE
    erasures: tuple[Erasure, ...] = ()

    def last_sequence(self, source: Source) -> int:
        """The last number decided of a source; 0 before the first."""
        return self.sequences.get(source, 0)


def refuse(path: SupportPath, event: MessageRefused) -> SupportPath:
    """The path after a refusal: only the sequence moves, if at all."""
    if not event.advances:
        return path
    return path._replace(sequences=_with(path.sequences, event.source, event.sequence))


def evolve(path: SupportPath, event: MessageAccepted, message: Message, position: int) -> SupportPath:
    """The path after an accepted message, `position` being its place in the log."""
    facts = message.facts
    grounds = ground_rules.apply(path.grounds, facts, author=message.unit, recorded=event.at)
    referrals, entries = path.referrals, path.entries
    if isinstance(facts, ReferralFacts):
        referral = evolve_referral(referrals.get(facts.referral_id), message, event)
        if referral is not None:
            referrals = _with(referrals, facts.referral_id, referral)
    if message.category is not None:
        given = frozenset([one.unit for one in event.recipients])
        entries = _with(entries, message.id, candidate_entry(path, message, position, given, at=event.at))
    after = SupportPath(  # all fields in their order: by name, and by `_replace`, it takes three times as long
        path.key,
        _with(path.sequences, message.source, message.sequence),
        grounds,
        position if grounds is not path.grounds else path.grounds_position,
        referrals,
        entries,
        path.enrolled,
        path.restrictions,
        path.obligations,
        _opened(path.opened_ranges, event) if event.backfills else path.opened_ranges,
        path.pairing,
        path.merges,
        path.erasures,
    )
    changes: dict[str, object] = {}
    if isinstance(facts, SubjectFacts):
        changes = _one_person(path, message, event)
    elif type(facts) in _CHANGING:  # most messages are entries: one look instead of eight
        changes = _parties(path, message, position)
    return after._replace(**changes) if changes else after  # type: ignore[arg-type] # the keys are this class's own fields


def candidate_entry(
    path: SupportPath,
    message: Message,
    position: int,
    recipients: frozenset[UnitId] = frozenset(),
    *,
    at: datetime,
) -> Entry:
    """A categorised message as the gate judges it, before it has recipients. A correction happened when its entry did."""
    assert message.category is not None  # noqa: S101 - the caller looked
    assert message.purpose is not None  # noqa: S101 - goes with the category, by contracts.envelope.check
    facts = message.facts
    corrected = path.entries.get(message.corrects) if message.corrects is not None else None
    return Entry(
        message_id=message.id,
        author=message.unit,
        audience=message.spec.audience,
        category=message.category,
        purpose=message.purpose,
        occurred=corrected.occurred if corrected is not None else message.time,
        position=position,
        recipients=recipients,
        recorded=_seconds(at),
        referral_id=facts.referral_id if isinstance(facts, ReferralFacts) else None,
    )


@lru_cache(maxsize=4)  # all of one batch have one
def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _parties(path: SupportPath, message: Message, position: int) -> dict[str, object]:  # noqa: PLR0911 - one line a type
    match facts := message.facts:
        case ClientEnrolled():
            return {"enrolled": path.enrolled | {message.unit}}
        case ClientClosed():
            return {"enrolled": path.enrolled - {message.unit}}
        case ProcessingRestricted():
            return {"restrictions": (*path.restrictions, Restriction(message.unit, frozenset(facts.categories)))}
        case ProcessingLifted():
            return {"restrictions": tuple(one for one in path.restrictions if one.author != message.unit)}
        case ErasureRequested() | RetentionEnded():
            return {"erasures": (*path.erasures, erasure_of(message, facts, position))}
        case ObligationOpened() | ObligationAnswered() | ObligationOverdue():
            return {"obligations": _obligations(path.obligations, facts)}
        case _:
            return {}


def erasure_of(message: Message, facts: ErasureRequested | RetentionEnded, position: int) -> Erasure:
    """What the message at this position has erased."""
    if isinstance(facts, ErasureRequested):
        return Erasure(message.id, message.unit, frozenset(facts.categories), position)
    before = int(facts.recorded_before.timestamp())
    return Erasure(message.id, message.unit, frozenset({facts.category}), position, before)


def _one_person(path: SupportPath, message: Message, event: MessageAccepted) -> dict[str, object]:
    match facts := message.facts:
        case PairingOffered():
            return {"pairing": Pairing(message.unit, facts.until, facts.wrapped)}
        case SubjectPaired() if facts.joined is None and path.pairing is not None:
            return {"pairing": replace(path.pairing, taken_by=message.unit)}
        case SubjectMerged():
            known = path.merges.get(facts.merge_id)
            told = frozenset(one.unit for one in event.recipients)
            merge = Merge(message.unit, told) if known is None else replace(known, reviewer=message.unit)
            return {"merges": _with(path.merges, facts.merge_id, merge)}
        case SubjectSplit():
            merge = replace(path.merges[facts.merge_id], split=True)
            return {"merges": _with(path.merges, facts.merge_id, merge)}
        case _:
            return {}


def _obligations(
    known: Mapping[ObligationId, Obligation], facts: ObligationOpened | ObligationAnswered | ObligationOverdue
) -> Mapping[ObligationId, Obligation]:
    name = facts.obligation_id
    match facts:
        case ObligationOpened():
            return _with(known, name, Obligation(name, facts.unit, frozenset(facts.entries), facts.due))
        case ObligationAnswered():
            return _with(known, name, replace(known[name], open=False))
        case ObligationOverdue():
            return _with(known, name, replace(known[name], overdue=True))


def _opened(known: Mapping[tuple[UnitId, UnitId], int], event: MessageAccepted) -> Mapping[tuple[UnitId, UnitId], int]:
    ranges = {(one.unit, one.source): one.through for one in event.backfills}
    return {**known, **{key: max(through, known.get(key, -1)) for key, through in ranges.items()}}


def _with(known: Mapping[_KeyT, _ValueT], key: _KeyT, value: _ValueT) -> Mapping[_KeyT, _ValueT]:
    return {**known, key: value}
