"""Where a referral stands, in the words of two other standards: FHIR R4 Task (SDOH Clinical Care) and HMIS referral results (DESIGN section 8).

Invariants: pure; every state has one standing and `from_task(to_task(state)) == state`; every FHIR status alone has one state, but for `draft`, which
is no referral yet; a pair that contradicts itself has none and is never guessed. HMIS knows three results: many states share one, and the way back
gives the least that the result says.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.facts import Facts
from contracts.referral_table import TABLE, TERMINAL, ReferralState, Role

S = ReferralState


class TaskStatus(StrEnum):
    """FHIR R4 task-status, whole."""

    DRAFT = "draft"
    REQUESTED = "requested"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    READY = "ready"
    CANCELLED = "cancelled"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    FAILED = "failed"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


class BusinessStatus(StrEnum):
    """What `Task.status` is too coarse for; its code system is `BUSINESS_STATUS_SYSTEM`."""

    INFO_REQUESTED = "info-requested"
    WAITLISTED = "waitlisted"
    NOT_TAKEN_UP = "not-taken-up"
    CLOSED = "closed"
    EXPIRED = "expired"
    SHARING_ENDED = "sharing-ended"


BUSINESS_STATUS_SYSTEM: Final = "https://spojka.eu/codes/referral-standing"


@dataclass(frozen=True, slots=True)
class TaskStanding:
    """`Task.status` and, where it says too little, `Task.businessStatus`."""

    status: TaskStatus
    business: BusinessStatus | None = None


T, B = TaskStatus, BusinessStatus

TASK: Final[Mapping[ReferralState, TaskStanding]] = {
    S.SENT: TaskStanding(T.REQUESTED),
    S.RECEIVED: TaskStanding(T.RECEIVED),
    S.INFO_REQUESTED: TaskStanding(T.RECEIVED, B.INFO_REQUESTED),
    S.WAITLISTED: TaskStanding(T.RECEIVED, B.WAITLISTED),
    S.ACCEPTED: TaskStanding(T.ACCEPTED),
    S.IN_SERVICE: TaskStanding(T.IN_PROGRESS),
    S.ON_HOLD: TaskStanding(T.ON_HOLD),
    S.COMPLETED: TaskStanding(T.COMPLETED),
    S.CLOSED: TaskStanding(T.COMPLETED, B.CLOSED),
    S.DECLINED: TaskStanding(T.REJECTED),
    S.NOT_TAKEN_UP: TaskStanding(T.FAILED, B.NOT_TAKEN_UP),
    S.FAILED: TaskStanding(T.FAILED),
    S.EXPIRED: TaskStanding(T.CANCELLED, B.EXPIRED),
    S.WITHDRAWN: TaskStanding(T.CANCELLED),
    S.DETACHED: TaskStanding(T.CANCELLED, B.SHARING_ENDED),
    S.VOID: TaskStanding(T.ENTERED_IN_ERROR),
}
"""Every state as FHIR says it."""

_STATES: Final[Mapping[TaskStanding, ReferralState]] = {standing: state for state, standing in TASK.items()} | {
    TaskStanding(
        T.READY
    ): S.ACCEPTED,  # R4: "used in place of requested/received/accepted … when acceptance is a given"
}


def to_task(state: ReferralState) -> TaskStanding:
    """The state as FHIR says it."""
    return TASK[state]


def from_task(standing: TaskStanding) -> ReferralState | None:
    """The state that FHIR's words mean; None for a draft, and where status and business status contradict each other."""
    return _STATES.get(standing)


class HmisResult(StrEnum):
    """HUD HMIS CSV 4.20.D, ReferralResult; an open referral has none."""

    CLIENT_ACCEPTED = "1"
    CLIENT_REJECTED = "2"
    PROVIDER_REJECTED = "3"


CLIENT_DECLINED: Final = "client-declined"
"""The decline reason by which HMIS tells two of its results apart."""
REASON_NOT_TOLD: Final = "other"
"""The decline reason where HMIS says that the provider rejected, and not why."""

_HMIS: Final[Mapping[ReferralState, HmisResult | None]] = {
    S.SENT: None,
    S.RECEIVED: None,
    S.INFO_REQUESTED: None,
    S.WAITLISTED: None,
    S.ACCEPTED: HmisResult.CLIENT_ACCEPTED,
    S.IN_SERVICE: HmisResult.CLIENT_ACCEPTED,
    S.ON_HOLD: HmisResult.CLIENT_ACCEPTED,
    S.COMPLETED: HmisResult.CLIENT_ACCEPTED,
    S.CLOSED: HmisResult.CLIENT_ACCEPTED,
    S.FAILED: HmisResult.CLIENT_ACCEPTED,  # it had begun; HMIS does not follow it further
    S.DETACHED: HmisResult.CLIENT_ACCEPTED,  # it ran when sharing ended
    S.DECLINED: HmisResult.PROVIDER_REJECTED,  # but for `client-declined`
    S.NOT_TAKEN_UP: HmisResult.CLIENT_REJECTED,
    S.EXPIRED: None,
    S.WITHDRAWN: None,
    S.VOID: None,
}


def to_hmis(state: ReferralState, reason: str | None = None) -> HmisResult | None:
    """The result that HMIS would show; None while there is none. `reason` is the decline reason, where it was declined."""
    if state is S.DECLINED and reason == CLIENT_DECLINED:
        return HmisResult.CLIENT_REJECTED
    return _HMIS[state]


def from_hmis(result: HmisResult | None) -> tuple[ReferralState, str | None]:
    """The state and decline reason that a result says, and nothing more: "completed" is not in HMIS."""
    match result:
        case None:
            return S.SENT, None
        case HmisResult.CLIENT_ACCEPTED:
            return S.ACCEPTED, None
        case HmisResult.CLIENT_REJECTED:
            return S.DECLINED, CLIENT_DECLINED
        case HmisResult.PROVIDER_REJECTED:
            return S.DECLINED, REASON_NOT_TOLD


def moves_between(start: ReferralState, wanted: ReferralState) -> tuple[type[Facts], ...] | None:
    """The fewest moves of source and target from one state to another; None where there is no way (the hub's own moves are not theirs to tell).

    For a system that tells where a referral stands and not how it got there.
    """
    ways: deque[tuple[ReferralState, tuple[type[Facts], ...]]] = deque([(start, ())])
    seen = {start}
    while ways:
        state, made = ways.popleft()
        if state is wanted:
            return made
        for facts, move in TABLE.items():
            onward = move.to is wanted or move.to not in TERMINAL
            if state in move.origins and move.to not in seen and onward and move.roles & {Role.SOURCE, Role.TARGET}:
                seen.add(move.to)
                ways.append((move.to, (*made, facts)))
    return None
