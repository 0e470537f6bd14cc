"""What the unit's own gate says about a message that wants to leave.

Invariant: exactly one of the three; a reason is a code of `contracts.codes` or of `OwnReason`, an explanation is for a person.
"""

from dataclasses import dataclass
from enum import StrEnum

from contracts.codes import RefusalCode
from contracts.names import GroundId


class OwnReason(StrEnum):
    """Reasons that only an adapter has."""

    NO_TRUST_LIST = "no-trust-list"
    """No trust list has come yet, so nobody can say who may receive anything."""
    CHANGED_ROW = "changed-row"
    """A row that became a message of a kind that cannot be corrected (a consent, a referral) now reads otherwise."""
    CORRECTS_HELD = "corrects-held"
    """It corrects an entry that is held itself."""
    BEHIND_REFERRAL = "behind-referral"
    """It moves a referral whose sending is held itself."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """It may go into the outbox."""

    ground_id: GroundId | None = None


@dataclass(frozen=True, slots=True)
class Stays:
    """It is kept as held until a ground appears; `detail` is the lock that was closed."""

    reason: str
    detail: str | None
    explanation: str


@dataclass(frozen=True, slots=True)
class Refuses:
    """It would be refused: to quarantine, to be corrected."""

    code: RefusalCode | OwnReason
    explanation: str


Verdict = Leaves | Stays | Refuses
