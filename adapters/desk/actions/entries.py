"""Entries: enrolment, sessions, needs, services, outcomes, appointments and their corrections.

Invariant: an entry that no ground permits to leave is recorded all the same and kept as held.
"""

from datetime import date, datetime

from pydantic import JsonValue

from adapters.desk.actions.occasion import NOW, Occasion
from adapters.desk.recorded import Recorded
from adapters.desk.recording_desk import DeskError, RecordingDesk
from adapters.drafts import ClientKey, Draft
from contracts.categories import DIMENSIONS, Category
from contracts.facts import Facts, SealedContent
from contracts.messages.appointment import AppointmentContent, AppointmentOffered
from contracts.messages.client import Areas, ClientClosed, ClientContent, ClientEnrolled
from contracts.messages.entry import CorrectionContent, EntryCorrected
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.outcome import OutcomeContent, OutcomeRecorded
from contracts.messages.service import Quantity, ServiceContent, ServiceDelivered
from contracts.messages.session import SessionContent, SessionHeld
from contracts.names import Code, MessageId, ReferralId, UnitId


class EntryActions(RecordingDesk):
    """What a worker records about a client."""

    def enrol(
        self,
        client: ClientKey,
        *,
        status: str | None = None,
        areas: Areas | None = None,
        content: ClientContent | None = None,
        occasion: Occasion = NOW,
    ) -> Recorded:
        """The unit begins to work with a person; the case number goes along sealed, so that a restored adapter finds its clients."""
        with_case = (
            ClientContent(case_number=client) if content is None else content.model_copy(update={"case_number": client})
        )
        facts = ClientEnrolled(status=status, areas=areas)
        return self._entry(client, facts, category=Category.IDENTITY, content=with_case, occasion=occasion)

    def close_client(self, client: ClientKey, *, reason: str | None = None, occasion: Occasion = NOW) -> Recorded:
        """The unit's work with this person ends."""
        return self._entry(client, ClientClosed(reason=reason), category=Category.IDENTITY, occasion=occasion)

    def hold_session(  # noqa: PLR0913 - one keyword a field
        self,
        client: ClientKey,
        category: Category,
        *,
        kind: str,
        form: str,
        minutes: int | None = None,
        units_present: tuple[UnitId, ...] = (),
        topics: tuple[Code, ...] = (),
        notes: str | None = None,
        occasion: Occasion = NOW,
    ) -> Recorded:
        """This unit's part of a session."""
        facts = SessionHeld(kind=kind, form=form, minutes=minutes, units_present=units_present)
        content = SessionContent(topics=topics, notes=notes) if topics or notes else None
        return self._entry(client, facts, category=category, content=content, occasion=occasion)

    def assess_need(  # noqa: PLR0913 - one keyword a field
        self,
        client: ClientKey,
        dimension: Category,
        *,
        level: str | None = None,
        instrument: str | None = None,
        finding: str | None = None,
        occasion: Occasion = NOW,
    ) -> Recorded:
        """What the person needs in one dimension. Raises `DeskError` for a category that is no dimension."""
        if dimension not in DIMENSIONS:
            raise DeskError(f"{dimension} is no dimension of support", advice=f"Take one of {', '.join(DIMENSIONS)}.")
        facts = NeedAssessed(dimension=dimension.value, instrument=instrument, level=level)
        content = None if finding is None else NeedContent(finding=finding)
        return self._entry(client, facts, category=dimension, content=content, occasion=occasion)

    def deliver_service(  # noqa: PLR0913 - one keyword a field
        self,
        client: ClientKey,
        category: Category,
        *,
        service: Code,
        quantity: Quantity | None = None,
        unit_of_quantity: str | None = None,
        begun: date | None = None,
        ended: date | None = None,
        referral_id: ReferralId | None = None,
        notes: str | None = None,
        occasion: Occasion = NOW,
    ) -> Recorded:
        """A service and how much of it."""
        facts = ServiceDelivered(
            service=service,
            begun=begun,
            ended=ended,
            quantity=quantity,
            unit_of_quantity=unit_of_quantity,
            referral_id=referral_id,
        )
        content = None if notes is None else ServiceContent(notes=notes)
        return self._entry(client, facts, category=category, content=content, occasion=occasion)

    def record_outcome(  # noqa: PLR0913 - one keyword a field
        self,
        client: ClientKey,
        category: Category,
        *,
        outcome: str,
        isco: str | None = None,
        contract: str | None = None,
        destination: Code | None = None,
        follow_up_months: int | None = None,
        referral_id: ReferralId | None = None,
        content: OutcomeContent | None = None,
        occasion: Occasion = NOW,
    ) -> Recorded:
        """What came of it, or what still holds some months later."""
        facts = OutcomeRecorded(
            outcome=outcome,
            isco=isco,
            contract=contract,
            destination=destination,
            follow_up_months=follow_up_months,
            referral_id=referral_id,
        )
        return self._entry(client, facts, category=category, content=content, occasion=occasion)

    def offer_appointment(  # noqa: PLR0913 - one keyword a field
        self,
        client: ClientKey,
        category: Category,
        *,
        when: datetime,
        kind: str | None = None,
        place: Code | None = None,
        note: str | None = None,
        occasion: Occasion = NOW,
    ) -> Recorded:
        """A meeting was offered; the message's id names it from now on."""
        facts = AppointmentOffered(when=when, place=place, kind=kind)
        content = None if note is None else AppointmentContent(note=note)
        return self._entry(client, facts, category=category, content=content, occasion=occasion)

    def correct(  # noqa: PLR0913 - one keyword a field
        self,
        message_id: MessageId,
        *,
        reason: str,
        facts: dict[str, JsonValue] | None = None,
        content: dict[str, JsonValue] | None = None,
        note: str | None = None,
        occasion: Occasion = NOW,
    ) -> Recorded:
        """Correct an own entry: the facts and texts that now hold, by field name; what is left out is unchanged.

        Category, purpose and time are the entry's. Raises `DeskError` where there is no such entry.
        """
        with self.store.read() as tx:
            entry = tx.journal.find(message_id)
        if entry is None or entry.subject is None:
            raise DeskError("This unit has no such entry", advice="Take the id from the timeline.")
        correction = CorrectionContent(facts=facts, content=content, note=note)
        draft = Draft(
            None, EntryCorrected(reason=reason), entry.time, correction, actor=occasion.actor, corrects=message_id
        )
        return self._record_all([draft], subject=entry.subject)[0]

    def _entry(
        self,
        client: ClientKey,
        facts: Facts,
        *,
        category: Category,
        content: SealedContent | None = None,
        occasion: Occasion,
    ) -> Recorded:
        draft = Draft(client, facts, occasion.time or self.clock.now(), content, category, actor=occasion.actor)
        return self.record(draft)
