"""One referral, from its moves: a fold by the table that every side decides by.

Invariants: pure; a move that the table does not allow to its signer changes nothing; what the source reports of a target outside the programme is
marked as reported, for ever.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from contracts.categories import Category
from contracts.facts import Facts
from contracts.messages.referral import MoveFacts, ReferralAccepted, ReferralSent, ReferralWaitlisted
from contracts.names import MessageId, ReferralId, SubjectId, UnitId
from contracts.referral_table import UNANSWERED, ReferralParties, ReferralState, deadline_of, next_state
from projections.log_order import in_log_order


class MoveRecord(NamedTuple):
    """One message of a referral as it came to this unit."""

    message_id: MessageId
    arrived: int
    position: int | None
    author: UnitId
    category: Category | None
    time: datetime
    facts: Facts


class Referral(NamedTuple):
    """Where a referral stands."""

    subject: SubjectId
    referral_id: ReferralId
    state: ReferralState
    source: UnitId
    target: UnitId | None
    """None: outside the programme, its moves are as the source reported them."""
    parent: ReferralId | None
    kind: str
    category: Category | None
    service: str | None
    legal_effect: str
    sent_at: datetime
    changed_at: datetime
    answer_due: datetime
    """The deadline as first set."""
    expected: datetime | None
    """On a waiting list: when a place is expected."""
    due: datetime | None
    """By when the target must answer; None once it did. An expected date replaces the deadline, plus grace."""
    first_meeting: datetime | None
    as_reported: int
    """How many of its moves the source reported of a target outside the programme."""

    @property
    def external(self) -> bool:
        """True where the target is no unit here."""
        return self.target is None

    def overdue(self, at: datetime) -> bool:
        """True where an answer was due before `at` and none came."""
        return self.state in UNANSWERED and self.due is not None and self.due < at


def fold(
    subject: SubjectId, referral_id: ReferralId, records: Iterable[MoveRecord], *, grace_days: int
) -> Referral | None:
    """The referral after all of its messages; None where the unit does not have `referral.sent`."""
    ordered = in_log_order(records)
    sent = _sent(ordered)
    if sent is None:
        return None
    first, facts = sent
    referral = Referral(
        subject=subject,
        referral_id=referral_id,
        state=ReferralState.SENT,
        source=first.author,
        target=facts.target,
        parent=facts.parent,
        kind=facts.kind,
        category=first.category,
        service=facts.service,
        legal_effect=facts.legal_effect,
        sent_at=first.time,
        changed_at=first.time,
        answer_due=facts.answer_due,
        expected=None,
        due=facts.answer_due,
        first_meeting=None,
        as_reported=0,
    )
    for record in ordered:
        referral = _moved(referral, record, grace_days=grace_days)
    return referral


def _sent(ordered: Sequence[MoveRecord]) -> tuple[MoveRecord, ReferralSent] | None:
    return next(((one, one.facts) for one in ordered if isinstance(one.facts, ReferralSent)), None)


def _moved(referral: Referral, record: MoveRecord, *, grace_days: int) -> Referral:
    facts = record.facts
    parties = ReferralParties(source=referral.source, target=referral.target)
    state = next_state(referral.state, facts, signer=record.author, parties=parties)
    if state is None:
        return referral
    return referral._replace(
        state=state,
        changed_at=record.time,
        expected=facts.expected if isinstance(facts, ReferralWaitlisted) else referral.expected,
        due=deadline_of(facts, current=referral.due, grace_days=grace_days),
        first_meeting=facts.first_meeting if isinstance(facts, ReferralAccepted) else referral.first_meeting,
        as_reported=referral.as_reported + (isinstance(facts, MoveFacts) and facts.as_reported),
    )
