"""What the workers of the story do at their desks: each through the unit's own database, while its adapter runs beside.

Invariants: a worker knows a referral or a consent by the name that the story gives it, and a person by the unit's own case number; everything else
comes from the unit's database.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.actions.duties import Access, Statement
from adapters.desk.actions.occasion import Occasion
from adapters.desk.recorded import Recorded
from adapters.drafts import ClientKey
from adapters.process.unit_house import UnitHouse
from adapters.storage.journal import EntryKind
from contracts.categories import Category
from contracts.grants import to_unit
from contracts.messages.client import Areas, ClientContent, Contact
from contracts.messages.outcome import OutcomeContent
from contracts.messages.referral import MoveFacts, ReferralAccepted, ReferralContent
from contracts.names import ActorId, GroundId, MessageId, ReferralId, SubjectId, UnitId
from deploy.story.clock import ZONE
from deploy.story.errors import StoryError
from deploy.story.ink import Ink
from deploy.story.places import CLAIMS

_PAPER: Final = ("consent", "release-from-secrecy")
AREA: Final = Areas(actual="CZ042")


@dataclass(slots=True)
class Names:
    """What the story calls things: shared by all workers, as people on the telephone would."""

    consents: dict[str, GroundId] = field(default_factory=dict)
    referrals: dict[str, ReferralId] = field(default_factory=dict)
    entries: dict[str, MessageId] = field(default_factory=dict)


class Worker:
    """One worker of one unit; `client` is the unit's case number of the person that this is about."""

    def __init__(self, house: UnitHouse, names: Names, *, client: str, ink: Ink) -> None:
        self.house = house
        self.desk = house.desk
        self.client = ClientKey(client)
        self._names = names
        self._ink = ink
        self._occasion = Occasion(actor=ActorId(f"counsellor/{house.unit}-1"))

    def enrol(self) -> None:
        """Begin to work with Karel; his name stays sealed."""
        self.desk.enrol(
            self.client, status="inactive-unregistered", areas=AREA, content=self._karel(), occasion=self._occasion
        )

    def take_consent(self, name: str, terms: Terms) -> None:
        """Karel signs; the paper is both a consent and a release from secrecy."""
        paper = Paper(kinds=_PAPER, evidence=self._ink.on_paper("signed at the desk, in the folder"))
        recorded = self.desk.take_consent(self.client, terms, paper, occasion=self._occasion)
        self._names.consents[name] = recorded.consent_id

    def attest(self, name: str) -> None:
        """This unit has seen the paper too."""
        self.desk.attest(self.client, self._names.consents[name], occasion=self._occasion)

    def withdraw(self, name: str) -> None:
        """Karel takes a consent back."""
        self.desk.withdraw(self.client, self._names.consents[name], occasion=self._occasion)

    def narrow(self, name: str, *, units: tuple[UnitId, ...], category: Category) -> None:
        """Of a consent only this category between these units remains."""
        recipients = [to_unit(unit) for unit in units]
        self.desk.narrow(
            self.client,
            self._names.consents[name],
            recipients=recipients,
            categories=(category,),
            sources=units,
            occasion=self._occasion,
        )

    def meet(self, source: UnitId) -> None:
        """Recognise the person whose entries came by the feed from `source`: the unit's own case from now on."""
        with self.house.store.read() as tx:
            known = {tx.clients.subject_of(self.client)}
            given = [
                one
                for subject in tx.journal.subjects() - known
                if tx.clients.client_of(subject) is None
                for one in tx.journal.of_subject(subject)
                if one.kind is EntryKind.GIVEN and one.author == source
            ]
        subjects = {one.subject for one in given if one.subject is not None}
        if len(subjects) != 1:
            raise StoryError(f"{self.house.unit} sees {len(subjects)} unknown people from {source}, not one.")
        self.desk.adopt(subjects.pop(), self.client)

    def assess(self, dimension: Category, finding: str) -> None:
        """A need, with what was found."""
        self.desk.assess_need(self.client, dimension, level="high", finding=self._ink(finding), occasion=self._occasion)

    def hold_session(self, category: Category, *, kind: str, form: str, notes: str) -> None:
        """This unit's part of a meeting."""
        self.desk.hold_session(
            self.client, category, kind=kind, form=form, notes=self._ink(notes), occasion=self._occasion
        )

    def offer_appointment(self, when: datetime, note: str) -> None:
        """A meeting at the labour office."""
        self.desk.offer_appointment(
            self.client,
            Category.EMPLOYMENT,
            when=when,
            kind="office-visit",
            note=self._ink(note),
            occasion=self._occasion,
        )

    def deliver(
        self, category: Category, *, service: str, notes: str, hours: str | None = None, name: str | None = None
    ) -> None:
        """A service, by the hour where it is counted."""
        recorded = self.desk.deliver_service(
            self.client,
            category,
            service=service,
            quantity=hours,
            unit_of_quantity=None if hours is None else "hours",
            notes=self._ink(notes),
            occasion=self._occasion,
        )
        if name is not None:
            self._names.entries[name] = _id_of(recorded)

    def correct(self, name: str, *, hours: str) -> None:
        """The amount was entered wrongly."""
        self.desk.correct(
            self._names.entries[name], reason="wrong-amount", facts={"quantity": hours}, occasion=self._occasion
        )

    def record_outcome(
        self, category: Category, *, outcome: str, notes: str, isco: str | None = None, months: int | None = None
    ) -> None:
        """What came of it."""
        self.desk.record_outcome(
            self.client,
            category,
            outcome=outcome,
            isco=isco,
            follow_up_months=months,
            content=OutcomeContent(notes=self._ink(notes)),
            occasion=self._occasion,
        )

    def refer(  # noqa: PLR0913 - one keyword a field
        self, name: str, category: Category, *, target: UnitId, due: date, message: str, parent: str | None = None
    ) -> None:
        """Ask another unit to help, by the end of a day."""
        sent = self.desk.refer(
            self.client,
            category,
            target=target,
            answer_due=datetime.combine(due + timedelta(days=1), datetime.min.time(), tzinfo=ZONE),
            parent=None if parent is None else self._names.referrals[parent],
            content=ReferralContent(message=self._ink(message)),
            occasion=self._occasion,
        )
        self._names.referrals[name] = sent.referral_id

    def move(self, name: str, step: type[MoveFacts], **facts: object) -> Recorded:
        """Move a referral."""
        moved = step.model_validate({"referral_id": self._names.referrals[name], **facts})
        return self.desk.move(self.client, moved, occasion=self._occasion)

    def ask(self, name: str, question: str) -> None:
        """Ask the source of a referral."""
        asked = self.desk.ask(self.client, self._names.referrals[name], self._ink(question), occasion=self._occasion)
        self._names.entries[f"{name} question"] = _id_of(asked.text)

    def answer(self, name: str, answer: str) -> None:
        """Answer the target's question."""
        question = self._names.entries[f"{name} question"]
        said = self._ink(answer)
        self.desk.answer(self.client, self._names.referrals[name], question, said, occasion=self._occasion)

    def slip_and_mend(self, name: str, right: type[MoveFacts], **facts: object) -> None:
        """A slip: accepted a second time. It is refused and kept; the worker corrects it and sends it again."""
        wrong = self.move(name, ReferralAccepted)
        draft = None if wrong.quarantine is None else self.desk.draft_of(wrong.quarantine)
        if wrong.quarantine is None or draft is None:
            raise StoryError("A referral that was accepted twice was not refused.")
        mended = right.model_validate({"referral_id": self._names.referrals[name], **facts})
        self.desk.resend(wrong.quarantine, draft._replace(facts=mended))

    def answer_obligations(self) -> None:
        """Erase what no consent covers any more, and say so."""
        with self.house.store.read() as tx:
            open_duties = [one.facts.obligation_id for one in tx.obligations.unanswered()]
        for duty in open_duties:
            self.desk.answer_obligation(duty, Statement(), occasion=self._occasion)

    def turn_away(self) -> None:
        """A clerk of the claims unit tried to open Karel's path here: refused and reported."""
        with self.house.store.read() as tx:
            subject = tx.clients.subject_of(self.client)
        if subject is None:
            raise StoryError(f"{self.house.unit} does not know {self.client}.")
        access = Access(ActorId("clerk/claims-3"), CLAIMS, outcome="refused", reason="not-this-unit")
        self.desk.report_access(SubjectId(subject), access)

    def _karel(self) -> ClientContent:
        contact = Contact(
            phone=self._ink("+420 601 000 000"),
            email=self._ink("karel@example.org"),
            address=self._ink("Hostel, Děčín"),
        )
        note = self._ink("Welder; bed in a hostel.")
        return ClientContent(given_name=self._ink("Karel"), birth_year=1979, contact=contact, note=note)


def _id_of(recorded: Recorded) -> MessageId:
    if recorded.message_id is None:
        raise StoryError(f"The desk refused what the story needs: {recorded.explanation}")
    return recorded.message_id
