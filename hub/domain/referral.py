"""One referral: its state by the table of contracts, its deadline, and the ground that it rides on. A fold over the log.

Invariants: the state is what `contracts.referral_table` says; `deadline` is when the hub expires an unanswered one; `ground_id` is the ground that
permitted `referral.sent`, on which later messages between the two parties ride while it is active.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from contracts.categories import Category, Purpose
from contracts.envelope import Message
from contracts.messages.referral import ReferralClosed, ReferralFacts, ReferralSent, ReferralWaitlisted
from contracts.names import GroundId, ReferralId, UnitId
from contracts.referral_table import (
    UNANSWERED,
    ReferralParties,
    ReferralState,
    next_state,
)
from hub.domain.events import MessageAccepted

SIGNPOSTING: Final = "signposting"


@dataclass(frozen=True, slots=True)
class Referral:
    """What the hub must know of a referral to decide its next move."""

    referral_id: ReferralId
    parties: ReferralParties
    category: Category
    purpose: Purpose
    ground_id: GroundId | None
    state: ReferralState
    deadline: datetime | None
    expected: datetime | None = None
    completed_at: datetime | None = None
    closed_at: datetime | None = None
    signposting: bool = False
    """Without personal data, so it needs no ground and rides on none."""

    @property
    def counterpart(self) -> frozenset[UnitId]:
        """The two parties, or the source alone of an external one."""
        return frozenset({self.parties.source} | ({self.parties.target} if self.parties.target else set()))

    def expires_at(self, grace_days: int) -> datetime | None:
        """When an unanswered referral expires: the deadline, or the expected date plus grace; None once answered."""
        if self.state not in UNANSWERED:
            return None
        if self.state is ReferralState.WAITLISTED and self.expected is not None:
            return self.expected + timedelta(days=grace_days)
        return self.deadline


def evolve(known: Referral | None, message: Message, event: MessageAccepted) -> Referral | None:
    """The referral after an accepted message; unchanged by texts between its parties."""
    facts = message.facts
    if isinstance(facts, ReferralSent):
        return _sent(message, facts, event)
    if known is None or not isinstance(facts, ReferralFacts):
        return known
    state = next_state(known.state, facts, signer=message.unit, parties=known.parties)
    if state is None:
        return known
    return replace(
        known,
        state=state,
        expected=facts.expected if isinstance(facts, ReferralWaitlisted) else known.expected,
        completed_at=event.at if state is ReferralState.COMPLETED else known.completed_at,
        closed_at=event.at if isinstance(facts, ReferralClosed) else known.closed_at,
    )


def _sent(message: Message, facts: ReferralSent, event: MessageAccepted) -> Referral:
    assert message.category is not None  # noqa: S101 - by contracts.envelope.check
    assert message.purpose is not None  # noqa: S101 - by contracts.envelope.check
    ground = next((given.ground for given in event.recipients if given.unit == facts.target), None)
    return Referral(
        referral_id=facts.referral_id,
        parties=ReferralParties(source=message.unit, target=facts.target),
        category=message.category,
        purpose=message.purpose,
        ground_id=ground,
        state=ReferralState.SENT,
        deadline=facts.answer_due,
        signposting=facts.kind == SIGNPOSTING,
    )
