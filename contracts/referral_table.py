"""The referral table: who may move a referral from where to where (DESIGN section 8). One table; who may do what follows from the signature.

Invariants: pure; what is not in the table is refused; a terminal state is left only by reopening within its window; the judge of a role is the unit
that signed, never a field of the message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from contracts.facts import Facts
from contracts.messages import referral as facts_of
from contracts.names import HUB, UnitId


class ReferralState(StrEnum):
    """Where a referral stands."""

    SENT = "sent"
    RECEIVED = "received"
    INFO_REQUESTED = "info-requested"
    WAITLISTED = "waitlisted"
    ACCEPTED = "accepted"
    IN_SERVICE = "in-service"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    CLOSED = "closed"
    DECLINED = "declined"
    NOT_TAKEN_UP = "not-taken-up"
    FAILED = "failed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    DETACHED = "detached"
    VOID = "void"


class Role(StrEnum):
    """The part that a signer has in a referral."""

    SOURCE = "source"
    TARGET = "target"
    HUB = "hub"
    OTHER = "other"
    """Any other unit, which may withdraw on behalf of the client."""


S, R = ReferralState, Role

TERMINAL: Final = frozenset(
    {S.CLOSED, S.DECLINED, S.WITHDRAWN, S.EXPIRED, S.FAILED, S.NOT_TAKEN_UP, S.DETACHED, S.VOID}
)
UNANSWERED: Final = frozenset({S.SENT, S.RECEIVED, S.INFO_REQUESTED, S.WAITLISTED})
RUNNING: Final = frozenset({S.ACCEPTED, S.IN_SERVICE, S.ON_HOLD, S.COMPLETED})
_BEFORE_COMPLETED: Final = frozenset(S) - TERMINAL - {S.COMPLETED}


@dataclass(frozen=True, slots=True)
class Move:
    """One row: from these states to that one, by these roles."""

    origins: frozenset[ReferralState]
    to: ReferralState
    roles: frozenset[Role]


def _move(origins: frozenset[ReferralState] | set[ReferralState], to: ReferralState, *roles: Role) -> Move:
    return Move(frozenset(origins), to, frozenset(roles))


HUB_WITHDRAWS: Final = UNANSWERED
"""When sharing ends, the hub withdraws what was not yet accepted; what runs becomes detached (section 7)."""

TABLE: Final[Mapping[type[Facts], Move]] = {
    facts_of.ReferralReceived: _move({S.SENT}, S.RECEIVED, R.TARGET),
    facts_of.ReferralInfoRequested: _move({S.SENT, S.RECEIVED}, S.INFO_REQUESTED, R.TARGET),
    facts_of.ReferralInfoGiven: _move({S.INFO_REQUESTED}, S.RECEIVED, R.SOURCE),
    facts_of.ReferralWaitlisted: _move({S.SENT, S.RECEIVED}, S.WAITLISTED, R.TARGET),
    facts_of.ReferralAccepted: _move({S.SENT, S.RECEIVED, S.WAITLISTED}, S.ACCEPTED, R.TARGET),
    facts_of.ReferralDeclined: _move({S.SENT, S.RECEIVED, S.WAITLISTED}, S.DECLINED, R.TARGET),
    facts_of.ReferralStarted: _move({S.ACCEPTED}, S.IN_SERVICE, R.TARGET),
    facts_of.ReferralNotTakenUp: _move({S.ACCEPTED}, S.NOT_TAKEN_UP, R.TARGET),
    facts_of.ReferralPaused: _move({S.IN_SERVICE}, S.ON_HOLD, R.TARGET),
    facts_of.ReferralResumed: _move({S.ON_HOLD}, S.IN_SERVICE, R.TARGET),
    facts_of.ReferralCompleted: _move({S.ACCEPTED, S.IN_SERVICE, S.ON_HOLD}, S.COMPLETED, R.TARGET),
    facts_of.ReferralFailed: _move({S.ACCEPTED, S.IN_SERVICE, S.ON_HOLD}, S.FAILED, R.TARGET),
    facts_of.ReferralClosed: _move({S.COMPLETED}, S.CLOSED, R.SOURCE, R.HUB),
    facts_of.ReferralReopened: _move({S.CLOSED}, S.IN_SERVICE, R.TARGET),
    facts_of.ReferralExpired: _move(UNANSWERED, S.EXPIRED, R.HUB),
    facts_of.ReferralWithdrawn: _move(_BEFORE_COMPLETED, S.WITHDRAWN, R.SOURCE, R.TARGET, R.OTHER, R.HUB),
    facts_of.ReferralDetached: _move(RUNNING, S.DETACHED, R.HUB),
    facts_of.ReferralVoided: _move(frozenset(S) - {S.VOID}, S.VOID, R.SOURCE),
}
"""Every move after `referral.sent`, by the class of its facts."""


@dataclass(frozen=True, slots=True)
class ReferralParties:
    """Who takes part: `target` None for an external one, whose moves the source records as reported."""

    source: UnitId
    target: UnitId | None


def role_of(signer: UnitId, parties: ReferralParties) -> Role:
    """The signer's part, by its signature."""
    if signer == HUB:
        return Role.HUB
    if signer == parties.source:
        return Role.SOURCE
    return Role.TARGET if signer == parties.target else Role.OTHER


def next_state(state: ReferralState, facts: Facts, *, signer: UnitId, parties: ReferralParties) -> ReferralState | None:
    """The state after the move, or None where the table does not allow it to this signer.

    Times (the reopening window, whether a deadline passed) are judged by `hub.domain`, not here.
    """
    move = TABLE.get(type(facts))
    if move is None or state not in move.origins or not isinstance(facts, facts_of.MoveFacts):
        return None
    role = role_of(signer, parties)
    if isinstance(facts, facts_of.ReferralWithdrawn):
        return move.to if _may_withdraw(state, facts, role) else None
    reports = parties.target is None and role is Role.SOURCE and Role.TARGET in move.roles
    if facts.as_reported is not reports:
        return None
    return move.to if reports or role in move.roles else None


def _may_withdraw(state: ReferralState, facts: facts_of.ReferralWithdrawn, role: Role) -> bool:
    """The source; any other unit, the target too, on behalf of the client; the hub where sharing ended before it was accepted."""
    if facts.as_reported:
        return False
    if role is Role.HUB:
        return state in HUB_WITHDRAWS
    return role is Role.SOURCE or facts.on_behalf_of_client


def deadline_of(facts: Facts, *, current: datetime | None, grace_days: int) -> datetime | None:
    """By when an answer is due after this move; None where nothing is due any more."""
    match facts:
        case facts_of.ReferralSent():
            return facts.answer_due
        case facts_of.ReferralWaitlisted():
            return facts.expected + timedelta(days=grace_days)
        case facts_of.ReferralReceived() | facts_of.ReferralInfoRequested() | facts_of.ReferralInfoGiven():
            return current
        case _:
            return None
