"""What a timer that fires says: the hub's own message, or nothing where the state has moved on.

Invariant: firing twice, late or for a state that has moved on changes nothing.
"""

from datetime import datetime, timedelta
from typing import Final

from contracts.facts import Facts
from contracts.grounds import renewed
from contracts.messages.hub import ConsentExpired, ConsentExpiryAnnounced, GroundExpired, ObligationOverdue
from contracts.messages.referral import ReferralClosed, ReferralExpired
from contracts.names import GroundId, ObligationId, RecordKey, ReferralId, SubjectId
from contracts.referral_table import ReferralState
from hub.domain.decision import Circumstances, FollowUp, TimerWish
from hub.domain.support_path import SupportPath

REFERRAL_DEADLINE: Final = "referral-deadline"
REFERRAL_CLOSE: Final = "referral-close"
GROUND_UNTIL: Final = "ground-until"
CONSENT_NOTICE: Final = "consent-notice"
OBLIGATION_DUE: Final = "obligation-due"


def name_of(key: RecordKey, timer: TimerWish) -> str:
    """The name of a timer, and of what it says: set again after it spoke, it has nothing more to say."""
    return f"timer/{key}/{timer.kind}/{timer.reference}/{timer.due.isoformat()}"


def fire(path: SupportPath, timer: TimerWish, now: Circumstances) -> FollowUp | None:
    """The hub's message that is due, or None."""
    name = name_of(path.key, timer)
    match timer.kind:
        case "referral-deadline":
            return _deadline(path, ReferralId(timer.reference), name, now)
        case "referral-close":
            return _close(path, ReferralId(timer.reference), name)
        case "ground-until":
            return _until(path, GroundId(timer.reference), timer, name)
        case "consent-notice":
            return _notice(path, timer, name, now)
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
    if ground is None or ground.ended_at is not None:
        return None
    ended = sum(1 for opening in ground.openings if opening.until == timer.due)
    if not ended:
        return None
    facts: Facts = ConsentExpired(consent_id=ground_id, expired=ended, due=timer.due)
    if ground.statutory:
        facts = GroundExpired(ground_id=ground_id, expired=ended, due=timer.due)
    return FollowUp(name=name, subject=SubjectId(path.key), facts=facts)


def notice_before(ground_id: GroundId, until: datetime, now: Circumstances) -> TimerWish | None:
    """When to tell a consent's parties that it ends at `until`; None where that moment has passed or nobody wants to be told."""
    days = now.settings.notice_days
    due = until - timedelta(days=days)
    if not days or due <= now.at:
        return None
    return TimerWish(CONSENT_NOTICE, f"{ground_id} {until.isoformat()}", due)


def _notice(path: SupportPath, timer: TimerWish, name: str, now: Circumstances) -> FollowUp | None:
    ground_id, _, end = timer.reference.partition(" ")
    ground, until = path.grounds.get(GroundId(ground_id)), datetime.fromisoformat(end)
    if ground is None or ground.ended_at is not None or until <= now.at:
        return None
    expiring = sum(1 for opening in ground.openings if opening.until == until and not renewed(opening, ground))
    if not expiring:
        return None
    facts = ConsentExpiryAnnounced(consent_id=ground.ground_id, expiring=expiring, until=until)
    return FollowUp(name=name, subject=SubjectId(path.key), facts=facts)


def _overdue(path: SupportPath, obligation_id: ObligationId, name: str) -> FollowUp | None:
    duty = path.obligations.get(obligation_id)
    if duty is None or not duty.open:
        return None
    return FollowUp(
        name=name, subject=SubjectId(path.key), facts=ObligationOverdue(obligation_id=obligation_id, unit=duty.unit)
    )
