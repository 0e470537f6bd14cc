"""Referral messages, checked before they are signed: the shared table, and on which ground they ride.

Invariants: who may move a referral from where stands in `contracts.referral_table` alone; never stricter than the hub.
"""

from datetime import datetime

from adapters.gate.subject_state import SIGNPOSTING, KnownReferral, SubjectState
from adapters.gate.verdict import Refuses
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.grants import to_class, to_unit
from contracts.messages.referral import MoveFacts, QuestionAnswered, QuestionAsked, ReferralFacts, ReferralSent
from contracts.names import UnitId
from contracts.referral_table import TERMINAL, Role, next_state, role_of
from contracts.trust_list import Directory


def fault(
    state: SubjectState, facts: ReferralFacts, *, category: Category | None, own: UnitId, directory: Directory
) -> Refuses | None:
    """What is wrong with a referral message by this unit; None where nothing is."""
    known = state.referrals.get(facts.referral_id)
    if isinstance(facts, ReferralSent):
        return _sent_fault(state, facts, own=own, directory=directory)
    if known is None:
        return Refuses(RefusalCode.UNKNOWN_REFERRAL, "This unit knows no such referral for this client.")
    if category is not known.category:
        return Refuses(RefusalCode.INVALID_DATA, f"Its category is that of the referral: {known.category}.")
    return _part_fault(known, facts, own)


def _part_fault(known: KnownReferral, facts: ReferralFacts, own: UnitId) -> Refuses | None:
    role = role_of(own, known.parties)
    if isinstance(facts, (QuestionAsked, QuestionAnswered)):
        wanted = Role.TARGET if isinstance(facts, QuestionAsked) else Role.SOURCE
        allowed = role is wanted and known.state not in TERMINAL
    else:
        allowed = not isinstance(facts, MoveFacts) or bool(
            next_state(known.state, facts, signer=own, parties=known.parties)
        )
    if allowed:
        return None
    explanation = f"The referral is {known.state}, and this unit's part in it is {role}: it cannot do this now."
    return Refuses(RefusalCode.REFERRAL_MOVE_NOT_ALLOWED, explanation)


def _sent_fault(state: SubjectState, facts: ReferralSent, *, own: UnitId, directory: Directory) -> Refuses | None:
    if facts.referral_id in state.referrals:
        return Refuses(RefusalCode.REFERRAL_EXISTS, "A referral with this id was sent before: take a new id.")
    parent = None if facts.parent is None else state.referrals.get(facts.parent)
    if facts.parent is not None and (parent is None or parent.state not in TERMINAL):
        return Refuses(RefusalCode.UNKNOWN_REFERRAL, "The referral that it follows is unknown or has not ended.")
    if facts.target is not None and (facts.target not in directory.units or facts.target == own):
        return Refuses(RefusalCode.UNKNOWN_UNIT, f"{facts.target} is no other unit of the trust list.")
    return None


def is_signposting(facts: ReferralFacts, known: KnownReferral | None, *, has_content: bool) -> bool:
    """True for a referral without personal data, and for its moves: they need no ground."""
    if isinstance(facts, ReferralSent):
        return facts.kind == SIGNPOSTING and not has_content and facts.target is not None
    return known is not None and known.signposting


def rides(state: SubjectState, known: KnownReferral, *, own: UnitId, directory: Directory, at: datetime) -> bool:
    """True while the ground of `referral.sent` is active for its two parties: their later messages ride on it."""
    ground = None if known.ground_id is None else state.grounds.get(known.ground_id)
    target = known.parties.target
    if ground is None or target is None or own not in {known.parties.source, target} or not ground.active(at):
        return False
    party = directory.party(target, at)
    other = directory.party(known.parties.source if own == target else target, at)
    names = {to_unit(target), *(to_class(role) for role in party.roles)}
    return other.admitted and any(
        one.recipient in names and one.purpose is known.purpose and known.category in one.categories and at < one.until
        for one in ground.openings
    )
