"""What a timer that fires says: the hub's own message, or nothing where the state has moved on.

Invariant: firing twice, late or for a state that has moved on changes nothing.
"""

from typing import Final

from contracts.messages.hub import ConsentExpired, ObligationOverdue
from contracts.messages.referral import ReferralClosed, ReferralExpired
from contracts.names import GroundId, ObligationId, ReferralId, SubjectId
from contracts.referral_table import ReferralState
from hub.domain.decision import Circumstances, FollowUp, TimerWish
from hub.domain.support_path import SupportPath

REFERRAL_DEADLINE: Final = "referral-deadline"
REFERRAL_CLOSE: Final = "referral-close"
GROUND_UNTIL: Final = "ground-until"
OBLIGATION_DUE: Final = "obligation-due"


def fire(path: SupportPath, timer: TimerWish, now: Circumstances) -> FollowUp | None:
    """The hub's message that is due, or None."""
    name = f"timer/{path.key}/{timer.kind}/{timer.reference}/{timer.due.isoformat()}"
    match timer.kind:
        case "referral-deadline":
            return _deadline(path, ReferralId(timer.reference), name, now)
        case "referral-close":
            return _close(path, ReferralId(timer.reference), name)
        case "ground-until":
            return _until(path, GroundId(timer.reference), timer, name)
        case "obligation-due":
            return _overdue(path, ObligationId(timer.reference), name)
        case _:
            return None


def _deadline(path: SupportPath, referral_id: ReferralId, name: str, now: Circumstances) -> FollowUp | None:
    referral = path.referrals.get(referral_id)
    due = referral.expires_at(now.settings.waitlist_grace_days) if referral is not None else None
    if due is None or due > now.at:
        return None
    return FollowUp(name=name, subject=SubjectId(path.key), facts=ReferralExpired(referral_id=referral_id, due=due))


def _close(path: SupportPath, referral_id: ReferralId, name: str) -> FollowUp | None:
    referral = path.referrals.get(referral_id)
    if referral is None or referral.state is not ReferralState.COMPLETED:
        return None
    return FollowUp(name=name, subject=SubjectId(path.key), facts=ReferralClosed(referral_id=referral_id))


def _until(path: SupportPath, ground_id: GroundId, timer: TimerWish, name: str) -> FollowUp | None:
    ground = path.grounds.get(ground_id)
    if ground is None or ground.ended_at is not None or ground.statutory:
        return None
    ended = sum(1 for opening in ground.openings if opening.until == timer.due)
    if not ended:
        return None
    facts = ConsentExpired(consent_id=ground_id, expired=ended, due=timer.due)
    return FollowUp(name=name, subject=SubjectId(path.key), facts=facts)


def _overdue(path: SupportPath, obligation_id: ObligationId, name: str) -> FollowUp | None:
    duty = path.obligations.get(obligation_id)
    if duty is None or not duty.open:
        return None
    return FollowUp(
        name=name, subject=SubjectId(path.key), facts=ObligationOverdue(obligation_id=obligation_id, unit=duty.unit)
    )
