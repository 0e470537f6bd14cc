"""What this unit knows about one subject, as far as the gate judges by it: grounds, restrictions, referrals.

Invariants: pure; built from the journal's messages in the order in which they came; the same functions as at the hub (`contracts.grounds`,
`contracts.referral_table`); what is given was decided by the hub and is believed, what is own is judged before it gets here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from contracts import grounds
from contracts.categories import Category, Purpose
from contracts.facts import Facts
from contracts.gate import Permit, Restriction, permit
from contracts.grounds import Grounds
from contracts.messages.processing import ProcessingLifted, ProcessingRestricted
from contracts.messages.referral import MoveFacts, ReferralSent
from contracts.names import GroundId, ReferralId, UnitId
from contracts.referral_table import TABLE, ReferralParties, ReferralState
from contracts.trust_list import Directory

SIGNPOSTING: Final = "signposting"


@dataclass(frozen=True, slots=True)
class KnownReferral:
    """One referral as far as this unit knows it."""

    referral_id: ReferralId
    parties: ReferralParties
    state: ReferralState
    category: Category | None
    purpose: Purpose
    ground_id: GroundId | None
    """On which its later messages between the two parties ride."""
    signposting: bool
    """Without personal data, so it needs no ground and rides on none."""


@dataclass(frozen=True, slots=True)
class SubjectState:
    """The state of one subject at this unit."""

    grounds: Grounds = field(default_factory=dict)
    restrictions: tuple[Restriction, ...] = ()
    referrals: Mapping[ReferralId, KnownReferral] = field(default_factory=dict)
    waiting: frozenset[ReferralId] = frozenset()
    """Referrals of this unit whose sending is itself held."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A message as the state takes it in."""

    facts: Facts
    author: UnitId
    category: Category | None
    purpose: Purpose | None
    time: datetime
    recorded: datetime
    ground_id: GroundId | None = None
    """Under which it left or was given; looked for where that is not known."""


EMPTY: Final = SubjectState()


def evolve(state: SubjectState, happened: Happened, directory: Directory | None) -> SubjectState:
    """The state after a message."""
    match happened.facts:
        case ProcessingRestricted() as facts:
            restriction = Restriction(happened.author, frozenset(facts.categories))
            return replace(state, restrictions=(*state.restrictions, restriction))
        case ProcessingLifted():
            kept = tuple(one for one in state.restrictions if one.author != happened.author)
            return replace(state, restrictions=kept)
        case ReferralSent() as facts:
            sent = _sent(state, facts, happened, directory)
            waiting = state.waiting - {facts.referral_id}
            return replace(state, referrals={**state.referrals, facts.referral_id: sent}, waiting=waiting)
        case MoveFacts() as facts:
            return _moved(state, facts)
        case facts:
            changed = grounds.apply(state.grounds, facts, author=happened.author, recorded=happened.recorded)
            return state if changed is state.grounds else replace(state, grounds=changed)


def _sent(state: SubjectState, facts: ReferralSent, happened: Happened, directory: Directory | None) -> KnownReferral:
    purpose = happened.purpose or Purpose.SUPPORT
    ground_id = happened.ground_id
    if ground_id is None and directory is not None and facts.target is not None and happened.category is not None:
        verdict = permit(
            state.grounds,
            directory.mandates,
            (),
            publisher=directory.party(happened.author, happened.recorded),
            recipient=directory.party(facts.target, happened.recorded),
            purpose=purpose,
            category=happened.category,
            occurred=happened.time,
            at=happened.recorded,
        )
        ground_id = verdict.ground_id if isinstance(verdict, Permit) else None
    return KnownReferral(
        referral_id=facts.referral_id,
        parties=ReferralParties(source=happened.author, target=facts.target),
        state=ReferralState.SENT,
        category=happened.category,
        purpose=purpose,
        ground_id=ground_id,
        signposting=facts.kind == SIGNPOSTING,
    )


def _moved(state: SubjectState, facts: MoveFacts) -> SubjectState:
    known, move = state.referrals.get(facts.referral_id), TABLE.get(type(facts))
    if known is None or move is None:
        return state
    return replace(state, referrals={**state.referrals, facts.referral_id: replace(known, state=move.to)})
