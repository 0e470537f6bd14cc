"""referral.*: one type a move (DESIGN section 8).

The status goes to everyone with a ground for the category; question and answer to the parties only.

Invariant: which moves are allowed to whom stands in `contracts.referral_table` alone.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import ConfigDict, model_validator

from contracts.civil_time import Instant
from contracts.code_lists import CodeOf
from contracts.facts import Facts, SealedContent, coded
from contracts.names import Code, Id, Referral, ShortText, Text, Unit


class ReferralFacts(Facts):
    """What every move names."""

    referral_id: Referral


class MoveFacts(ReferralFacts):
    """A move after the first; `as_reported` where the source records what a target outside the programme told it."""

    as_reported: bool = False


class ReferralSent(ReferralFacts):
    """The source asks a unit, or (`external`) someone who is none here, to help."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"external": {"const": True}}, "required": ["external"]},
            "then": {"properties": {"target": False}},
            "else": {"required": ["target"]},
        }
    )
    kind: Annotated[str, CodeOf("referral-kind")]
    target: Unit | None = None
    external: bool = False
    answer_due: Instant
    service: Code | None = coded(required=False)
    parent: Referral | None = None
    legal_effect: Code = "none"
    """`none`, or the statute that gives the referral an effect in law."""
    on_behalf_of_client: bool = False

    @model_validator(mode="after")
    def _one_target(self) -> "ReferralSent":
        if (self.target is None) != self.external:
            raise ValueError("name a target unit, or mark the referral as external: exactly one of both")
        return self


class ReferralReceived(MoveFacts):
    """The target's adapter has it, once per referral."""


class ReferralInfoRequested(MoveFacts):
    """The target asked something; the question itself is `referral.question-asked`, for the parties only."""

    question_id: Id


class ReferralInfoGiven(MoveFacts):
    """The source answered: received again; the answer itself is `referral.question-answered`."""

    question_id: Id


class ReferralWaitlisted(MoveFacts):
    """A place is expected; the date replaces the deadline, plus grace."""

    expected: Instant


class ReferralAccepted(MoveFacts):
    """The target takes it; the contact is sealed."""

    first_meeting: Instant | None = coded(required=False)


class ReferralDeclined(MoveFacts):
    """The target does not take it."""

    reason: Annotated[str, CodeOf("decline-reason")] | None = coded()


class ReferralStarted(MoveFacts):
    """In service since the first contact."""

    first_contact: Instant | None = coded()


class ReferralNotTakenUp(MoveFacts):
    """Accepted, but nothing came of it."""

    reason: Annotated[str, CodeOf("not-taken-up-reason")] | None = coded()


class ReferralPaused(MoveFacts):
    """On hold."""

    reason: Annotated[str, CodeOf("hold-reason")] | None = coded()


class ReferralResumed(MoveFacts):
    """In service again after a hold."""


class ReferralCompleted(MoveFacts):
    """Done, with what came of it."""

    outcome: Annotated[str, CodeOf("outcome-code")] | None = coded()


class ReferralFailed(MoveFacts):
    """Ended without success."""

    reason: Annotated[str, CodeOf("failure-reason")] | None = coded()


class ReferralClosed(MoveFacts):
    """The source (or the hub after the closing period) closed it."""


class ReferralReopened(MoveFacts):
    """In service again after closing, within the window."""

    reason: Annotated[str, CodeOf("reopening-reason")] | None = coded()


class ReferralExpired(MoveFacts):
    """No answer by the deadline; the hub's timer says so."""

    due: Instant


class ReferralWithdrawn(MoveFacts):
    """Taken back by the source, by a unit on behalf of the client, or because sharing ended before it was accepted."""

    reason: Annotated[str, CodeOf("withdrawal-reason")] | None = coded()
    on_behalf_of_client: bool = False


class ReferralDetached(MoveFacts):
    """Sharing ended while it ran; both sides learn only that."""


class ReferralVoided(MoveFacts):
    """Entered in error."""

    reason: Annotated[str, CodeOf("void-reason")] | None = coded()


class QuestionAsked(ReferralFacts):
    """The target's question to the source."""


class QuestionAnswered(ReferralFacts):
    """The source's answer."""

    question_id: Id


class ReferralContent(SealedContent):
    """What the parties and readers of the category should know."""

    message: Text | None = None
    contact: ShortText | None = None
    external_target: ShortText | None = None
    evidence: Text | None = None


class QuestionContent(SealedContent):
    """The question."""

    question: Text


class AnswerContent(SealedContent):
    """The answer."""

    answer: Text


STATUS_MESSAGES: Final[Mapping[str, type[ReferralFacts]]] = {
    "sent": ReferralSent,
    "received": ReferralReceived,
    "info-requested": ReferralInfoRequested,
    "info-given": ReferralInfoGiven,
    "waitlisted": ReferralWaitlisted,
    "accepted": ReferralAccepted,
    "declined": ReferralDeclined,
    "started": ReferralStarted,
    "not-taken-up": ReferralNotTakenUp,
    "paused": ReferralPaused,
    "resumed": ReferralResumed,
    "completed": ReferralCompleted,
    "failed": ReferralFailed,
    "closed": ReferralClosed,
    "reopened": ReferralReopened,
    "expired": ReferralExpired,
    "withdrawn": ReferralWithdrawn,
    "detached": ReferralDetached,
    "voided": ReferralVoided,
}
"""Moves of the referral table, by the last part of their type."""

PARTY_MESSAGES: Final[Mapping[str, tuple[type[ReferralFacts], type[SealedContent]]]] = {
    "question-asked": (QuestionAsked, QuestionContent),
    "question-answered": (QuestionAnswered, AnswerContent),
}
"""Texts between the two parties; they move nothing."""
