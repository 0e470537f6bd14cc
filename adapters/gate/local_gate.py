"""The unit's own gate: the hub's rules, run before anything is signed, so that what no ground permits never leaves the house.

Invariants: pure; the hub decides again, in the log's order; `conduct` never leaves; without a trust list nothing that needs a ground leaves.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from adapters.gate import ground_rules, referral_rules
from adapters.gate.custodian import custodian
from adapters.gate.subject_state import SubjectState
from adapters.gate.verdict import Leaves, OwnReason, Refuses, Stays, Verdict
from contracts.catalogue import Audience, spec_of
from contracts.categories import WHOLLY_SEALED, Category, Purpose
from contracts.codes import DenialReason, RefusalCode
from contracts.facts import Facts
from contracts.gate import Denied, Permit, permit
from contracts.messages.referral import ReferralFacts, ReferralSent
from contracts.names import UnitId
from contracts.trust_list import Directory

AHEAD: Final = timedelta(minutes=10)
"""How far a message's `time` may lie ahead of the clock (DESIGN section 5)."""

_CLOSENESS: Final = {reason: rank for rank, reason in enumerate(DenialReason)}

_EXPLAINED: Final = {
    DenialReason.NO_GRANT: "No consent or other ground lets another unit receive this.",
    DenialReason.EXPIRED: "The ground that covered this has ended.",
    DenialReason.NOT_ATTESTED: "This unit has not yet confirmed that it saw the consent.",
    DenialReason.BEFORE_HISTORY: "It happened before the time from which the consent opens entries.",
    DenialReason.NO_RELEASE_FROM_SECRECY: "This unit is bound by secrecy, and the paper is no release from it.",
    DenialReason.SPECIAL_NEEDS_EXPLICIT_CONSENT: "Health needs an explicit consent or a mandate.",
    DenialReason.CRIMINAL_NEEDS_MANDATE: "Criminal records need a mandate.",
    DenialReason.CONDUCT_NEVER_SHARED: "Missed meetings, excuses and motivation stay in this unit.",
    DenialReason.OUTSIDE_MANDATE: "The ground goes beyond the mandate in the trust list.",
    DenialReason.RESTRICTED: "Processing of this is restricted.",
    DenialReason.RECIPIENT_NOT_ADMITTED: "No other unit is admitted that could receive this.",
}


class Candidate(NamedTuple):
    """A message that wants to leave."""

    facts: Facts
    time: datetime
    category: Category | None
    purpose: Purpose | None
    has_content: bool


def judge(
    candidate: Candidate, state: SubjectState, *, own: UnitId, directory: Directory | None, at: datetime
) -> Verdict:
    """May this unit's message leave now, must it stay, or is it wrong?"""
    if candidate.time > at + AHEAD:
        return Refuses(RefusalCode.TIME_AHEAD, "It lies in the future: say when it happened.")
    needs_ground = spec_of(candidate.facts).categorised
    if needs_ground and candidate.category is Category.CONDUCT:
        return _stays(DenialReason.CONDUCT_NEVER_SHARED)
    sealed = candidate.has_content or candidate.category in WHOLLY_SEALED
    if sealed and directory is not None and not directory.listed.trial and custodian(directory, at) is None:
        return Refuses(RefusalCode.CLEAR_NOT_ALLOWED, "Content must be sealed, and the hub names no key for it.")
    if not needs_ground:
        wrong = ground_rules.fault(state.grounds, candidate.facts, own=own, directory=directory)
        return wrong or Leaves()
    if directory is None:
        return Stays(OwnReason.NO_TRUST_LIST, None, "No trust list has come from the hub yet.")
    return _judge_grounded(candidate, state, own=own, directory=directory, at=at)


def _judge_grounded(
    candidate: Candidate, state: SubjectState, *, own: UnitId, directory: Directory, at: datetime
) -> Verdict:
    facts = candidate.facts
    if isinstance(facts, ReferralFacts):
        if facts.referral_id in state.waiting and not isinstance(facts, ReferralSent):
            return Stays(OwnReason.BEHIND_REFERRAL, None, "The referral that it moves may itself not leave yet.")
        wrong = referral_rules.fault(state, facts, category=candidate.category, own=own, directory=directory)
        if wrong is not None:
            return wrong
        known = state.referrals.get(facts.referral_id)
        if referral_rules.is_signposting(facts, known, has_content=candidate.has_content):
            return Leaves()
        if known is not None and referral_rules.rides(state, known, own=own, directory=directory, at=at):
            return Leaves(known.ground_id)
    if spec_of(facts).audience is Audience.REFERRAL_PARTIES:
        return _stays(DenialReason.EXPIRED)
    return _first_permit(candidate, state, own=own, directory=directory, at=at)


def _recipients(facts: Facts, state: SubjectState, own: UnitId, directory: Directory) -> Iterable[UnitId]:
    """Whom a ground could open this for: a referral needs one for its target; else any unit that a ground names."""
    if isinstance(facts, ReferralSent) and facts.target is not None:
        return (facts.target,)
    named: set[UnitId] = set()
    for ground in state.grounds.values():
        for one in ground.openings:
            kind, _, name = one.recipient.partition(":")
            named |= {UnitId(name)} if kind == "unit" else directory.by_role.get(name, frozenset())
    return sorted(named - {own})


def _first_permit(
    candidate: Candidate,
    state: SubjectState,
    *,
    own: UnitId,
    directory: Directory,
    at: datetime,
) -> Verdict:
    if candidate.category is None:
        return Refuses(RefusalCode.INVALID_DATA, "It needs a category.")
    closest = DenialReason.NO_GRANT
    for recipient in _recipients(candidate.facts, state, own, directory):
        verdict = permit(
            state.grounds,
            directory.mandates,
            state.restrictions,
            publisher=directory.party(own, at),
            recipient=directory.party(recipient, at),
            purpose=candidate.purpose or Purpose.SUPPORT,
            category=candidate.category,
            occurred=candidate.time,
            at=at,
        )
        match verdict:
            case Permit(ground_id):
                return Leaves(ground_id)
            case Denied(reason) if reason is not DenialReason.RECIPIENT_NOT_ADMITTED:
                closest = max(closest, reason, key=_CLOSENESS.__getitem__)
    return _stays(closest)


def _stays(detail: DenialReason) -> Stays:
    own_reason = detail is DenialReason.CONDUCT_NEVER_SHARED
    return Stays(detail if own_reason else RefusalCode.NO_GROUND, detail, _EXPLAINED[detail])
