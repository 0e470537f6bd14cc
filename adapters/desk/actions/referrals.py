"""Referrals: sent, moved, asked about and answered.

Invariant: every message of a referral bears its category and purpose; the referral table of contracts says who may do what.
"""

from dataclasses import dataclass
from datetime import datetime

from adapters.desk.actions.occasion import NOW, Occasion
from adapters.desk.recorded import Recorded, RecordedState
from adapters.desk.recording import Recording
from adapters.desk.recording_desk import DeskError, RecordingDesk
from adapters.drafts import ClientKey, Draft
from adapters.gate.subject_state import KnownReferral
from contracts.categories import Category
from contracts.messages.referral import (
    AnswerContent,
    MoveFacts,
    QuestionAnswered,
    QuestionAsked,
    QuestionContent,
    ReferralContent,
    ReferralFacts,
    ReferralInfoGiven,
    ReferralInfoRequested,
    ReferralSent,
)
from contracts.names import Code, MessageId, ReferralId, UnitId


@dataclass(frozen=True, slots=True)
class ReferralRecorded:
    """A referral and what became of its first message."""

    referral_id: ReferralId
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class Exchange:
    """A text between the two parties, and the move that goes with it (none where the text did not get through)."""

    text: Recorded
    move: Recorded | None


class ReferralActions(RecordingDesk):
    """What a worker does with referrals."""

    def refer(  # noqa: PLR0913 - one keyword a field
        self,
        client: ClientKey,
        category: Category,
        *,
        target: UnitId | None,
        answer_due: datetime,
        kind: str = "referral",
        service: Code | None = None,
        parent: ReferralId | None = None,
        content: ReferralContent | None = None,
        occasion: Occasion = NOW,
    ) -> ReferralRecorded:
        """Ask a unit to help; without a target: someone outside the programme, whose moves are recorded as reported."""
        referral_id = ReferralId(self._ids.next(self.clock.now()))
        facts = ReferralSent(
            referral_id=referral_id,
            kind=kind,
            target=target,
            external=target is None,
            answer_due=answer_due,
            service=service,
            parent=parent,
        )
        draft = Draft(client, facts, occasion.time or self.clock.now(), content, category, actor=occasion.actor)
        return ReferralRecorded(referral_id, self.record(draft))

    def move(
        self,
        client: ClientKey,
        facts: MoveFacts,
        *,
        content: ReferralContent | None = None,
        occasion: Occasion = NOW,
    ) -> Recorded:
        """Move a referral: the class of the facts says where to (`contracts.messages.referral.STATUS_MESSAGES`).

        Raises `DeskError` for a referral that is not known here; a move that the table does not allow is refused.
        """
        with self.store.write() as tx:
            recording = self._recording(tx)
            known = self._referral(recording, client, facts.referral_id)
            recorded = recording.record(self._part(client, facts, known, occasion, content))
            recording.finish()
        return recorded

    def ask(self, client: ClientKey, referral_id: ReferralId, question: str, *, occasion: Occasion = NOW) -> Exchange:
        """The target asks the source; the question goes to the source alone, that something was asked to all who see the status."""
        with self.store.write() as tx:
            recording = self._recording(tx)
            known = self._referral(recording, client, referral_id)
            text = self._part(
                client, QuestionAsked(referral_id=referral_id), known, occasion, QuestionContent(question=question)
            )
            asked = recording.record(text)
            moved = None
            if asked.message_id is not None and asked.state is RecordedState.WAITING:
                facts = ReferralInfoRequested(referral_id=referral_id, question_id=asked.message_id)
                moved = recording.record(self._part(client, facts, known, occasion))
            recording.finish()
        return Exchange(asked, moved)

    def answer(
        self,
        client: ClientKey,
        referral_id: ReferralId,
        question_id: MessageId,
        answer: str,
        *,
        occasion: Occasion = NOW,
    ) -> Exchange:
        """The source answers; the referral is received again."""
        with self.store.write() as tx:
            recording = self._recording(tx)
            known = self._referral(recording, client, referral_id)
            facts = QuestionAnswered(referral_id=referral_id, question_id=question_id)
            answered = recording.record(self._part(client, facts, known, occasion, AnswerContent(answer=answer)))
            moved = None
            if answered.state is RecordedState.WAITING:
                given = ReferralInfoGiven(referral_id=referral_id, question_id=question_id)
                moved = recording.record(self._part(client, given, known, occasion))
            recording.finish()
        return Exchange(answered, moved)

    def _part(
        self,
        client: ClientKey,
        facts: ReferralFacts,
        known: KnownReferral,
        occasion: Occasion,
        content: ReferralContent | QuestionContent | AnswerContent | None = None,
    ) -> Draft:
        return Draft(
            client,
            facts,
            occasion.time or self.clock.now(),
            content,
            known.category,
            known.purpose,
            actor=occasion.actor,
        )

    def _referral(self, recording: Recording, client: ClientKey, referral_id: ReferralId) -> KnownReferral:
        subject = recording.tx.clients.subject_of(client)
        known = None if subject is None else recording.states.of(subject).referrals.get(referral_id)
        if known is None:
            raise DeskError(
                "This unit knows no such referral for this client",
                advice="Look at the client's referrals; one that came by the feed needs its client adopted first.",
            )
        return known
