"""The story of Děčín played at the desks of its units, against the hub's own rules: what leaves, what stays, and who is given what."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.desk.actions.consents import ConsentRecorded, Paper, Terms
from adapters.desk.actions.duties import Access, Statement
from adapters.desk.actions.occasion import Occasion
from adapters.desk.recorded import Recorded, RecordedState
from adapters.drafts import ClientKey
from adapters.storage.journal import Entry, EntryKind, OwnState
from adapters.storage.outbox import OutboxState
from contracts.categories import Category
from contracts.grants import to_unit
from contracts.ledger import policy
from contracts.messages import referral as r
from contracts.names import ActorId, MessageId, MessageType, ReferralId, SubjectId, UnitId
from hub.audit.verification import verify
from tests.simulation.desks import Town
from tests.simulation.exported import POLICY, exported

C = Category
PRAGUE = ZoneInfo("Europe/Prague")
KAREL = ClientKey("2026-017")
OP, UP, MD, VZ = (UnitId(name) for name in ("op", "up", "md", "vz"))
BOTH = Paper(kinds=("consent", "release-from-secrecy"))


def day(month: int, number: int, year: int = 2026) -> datetime:
    return datetime(year, month, number, 10, tzinfo=PRAGUE)


class Story:
    """Plays the rows, one method a stretch of the story, and remembers messages by a name."""

    def __init__(self, folder: Path) -> None:
        self.town = Town(folder)
        self.said: dict[str, Recorded] = {}
        self.referrals: dict[str, ReferralId] = {}
        self.consents: dict[str, ConsentRecorded] = {}

    def on(self, month: int, number: int) -> None:
        self.town.settle()
        self.town.hub.move_to(day(month, number))
        self.town.settle()

    @property
    def karel(self) -> SubjectId:
        with self.town["op"].store.read() as tx:
            subject = tx.clients.subject_of(KAREL)
        assert subject is not None
        return subject

    def id_of(self, name: str) -> MessageId:
        message_id = self.said[name].message_id
        assert message_id is not None
        return message_id

    def move(self, name: str, unit: str, facts: r.MoveFacts) -> None:
        self.said[name] = self.town[unit].desk.move(KAREL, facts)

    def entry(self, unit: str, message_id: MessageId | None) -> Entry:
        assert message_id is not None
        with self.town[unit].store.read() as tx:
            entry = tx.journal.find(message_id)
        assert entry is not None
        return entry

    def held_at(self, unit: str) -> dict[MessageId, str]:
        with self.town[unit].store.read() as tx:
            return {one.message_id: one.reason for one in tx.held.all()}

    def given_to(self, name: str) -> set[str]:
        self.town.settle()
        return self.town.hub.given_to(self.id_of(name))

    def february(self) -> None:
        op, up, md = (self.town[name].desk for name in ("op", "up", "md"))
        self.on(2, 2)
        self.said["enrolled"] = op.enrol(KAREL, status="inactive-unregistered")
        self.on(2, 9)
        terms = Terms(
            sources=(OP, UP, MD),
            recipients=[to_unit(unit) for unit in (OP, UP, MD)],
            categories=(C.IDENTITY, C.EMPLOYMENT, C.SKILLS, C.HOUSING),
            until=date(2027, 1, 31),
            history_from=date(2026, 2, 2),
        )
        self.consents["C1"] = op.take_consent(KAREL, terms, BOTH)
        self.on(2, 10)
        self.said["need housing"] = op.assess_need(KAREL, C.HOUSING, level="high")
        self.said["need skills"] = op.assess_need(KAREL, C.SKILLS)
        self.said["need debt"] = op.assess_need(KAREL, C.INCOME_DEBT, finding="nine enforcement orders")
        for unit in ("up", "md"):
            self.town[unit].desk.adopt(self.karel, KAREL)
        self.on(2, 11)
        sent = op.refer(KAREL, C.EMPLOYMENT, target=UP, answer_due=day(2, 20))
        self.said["R1 sent"], self.referrals["R1"] = sent.recorded, sent.referral_id
        sent = op.refer(KAREL, C.HOUSING, target=MD, answer_due=day(2, 20))
        self.said["R2 sent"], self.referrals["R2"] = sent.recorded, sent.referral_id
        self.on(2, 12)
        up.attest(KAREL, self.consents["C1"].consent_id)
        md.attest(KAREL, self.consents["C1"].consent_id)
        self.on(2, 13)
        exchange = up.ask(KAREL, self.referrals["R1"], "When did the certificate lapse?")
        self.said["question"] = exchange.text
        assert exchange.move is not None
        self.said["R1 info-requested"] = exchange.move
        self.on(2, 16)
        answer = op.answer(KAREL, self.referrals["R1"], self.id_of("question"), "In 2023.")
        assert answer.move is not None
        self.said["R1 info-given"] = answer.move
        self.on(2, 17)
        self.move("R2 waitlisted", "md", r.ReferralWaitlisted(referral_id=self.referrals["R2"], expected=day(5, 4)))
        self.on(2, 18)
        self.move("R1 accepted", "up", r.ReferralAccepted(referral_id=self.referrals["R1"], first_meeting=day(2, 24)))
        self.on(2, 24)
        for unit, category in (("op", C.EMPLOYMENT), ("up", C.EMPLOYMENT), ("md", C.HOUSING), ("op", C.INCOME_DEBT)):
            desk = self.town[unit].desk
            self.said[f"session {unit} {category}"] = desk.hold_session(
                KAREL, category, kind="social", form="case-conference"
            )
        self.move("R1 started", "up", r.ReferralStarted(referral_id=self.referrals["R1"], first_contact=day(2, 24)))
        self.town.settle()

    def march_to_june(self) -> None:
        op, up = self.town["op"].desk, self.town["up"].desk
        self.on(3, 3)
        terms = Terms((OP,), [to_unit(MD)], (C.INCOME_DEBT,), date(2026, 8, 31), date(2026, 2, 2))
        self.consents["C2"] = op.take_consent(KAREL, terms, BOTH)
        self.on(3, 10)
        recipients = [to_unit(unit) for unit in (OP, UP, VZ)]
        terms = Terms((OP, UP, VZ), recipients, (C.EMPLOYMENT, C.SKILLS), date(2027, 1, 31), date(2026, 2, 10))
        self.consents["C3"] = up.take_consent(KAREL, terms, BOTH)
        self.town.settle()
        op.attest(KAREL, self.consents["C3"].consent_id)
        self.on(3, 11)
        sent = up.refer(KAREL, C.SKILLS, target=VZ, answer_due=day(3, 25))
        self.said["R3 sent"], self.referrals["R3"] = sent.recorded, sent.referral_id
        self.town.settle()
        vz = self.town["vz"].desk
        vz.adopt(self.karel, KAREL)
        vz.attest(KAREL, self.consents["C3"].consent_id)
        self.on(3, 16)
        self.move("R3 declined", "vz", r.ReferralDeclined(referral_id=self.referrals["R3"], reason="no-capacity"))
        self.on(4, 8)
        self.town["up"].online = False
        self.said["appointment"] = up.offer_appointment(KAREL, C.EMPLOYMENT, when=day(4, 20))
        self.on(4, 9)
        self.town["up"].online = True
        self.on(4, 21)
        self.said["missed"] = op.hold_session(KAREL, C.CONDUCT, kind="social", form="individual", notes="did not come")
        self.on(4, 28)
        self.said["debt 04-28"] = op.deliver_service(KAREL, C.INCOME_DEBT, service="debt-relief-petition")
        self.on(6, 3)
        op.withdraw(KAREL, self.consents["C2"].consent_id)
        self.on(6, 5)
        self.said["course"] = vz.deliver_service(
            KAREL, C.SKILLS, service="welding", quantity="80", unit_of_quantity="hours"
        )
        self.on(6, 8)
        self.said["course corrected"] = vz.correct(
            self.id_of("course"), reason="wrong-amount", facts={"quantity": "88"}
        )
        self.on(6, 16)
        self.said["debt 06-16"] = op.deliver_service(KAREL, C.INCOME_DEBT, service="debt-relief")
        self.town.settle()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    played = Story(tmp_path_factory.mktemp("town"))
    played.february()
    played.march_to_june()
    yield played
    played.town.close()


def test_an_auditor_who_runs_the_story_again_comes_to_the_same_decisions(story: Story, tmp_path: Path) -> None:
    report = verify(exported(story.town.hub, tmp_path / "export"), policy.parse(POLICY))
    assert report.findings == []
    assert report.counts["deliveries"] > 40


EXPECTED = {
    "enrolled": {"up", "md"},
    "need housing": {"up", "md"},
    "need skills": {"up", "md", "vz"},
    "need debt": {"md"},
    "R1 sent": {"up", "md", "vz"},
    "R2 sent": {"up", "md"},
    "question": {"op"},
    "R1 info-requested": {"op", "md", "vz"},
    "R2 waitlisted": {"op", "up"},
    "R1 accepted": {"op", "md", "vz"},
    "session op employment": {"up", "md", "vz"},
    "session up employment": {"op", "md", "vz"},
    "session md housing": {"op", "up"},
    "session op income-debt": {"md"},
    "R3 sent": {"op", "md", "vz"},
    "R3 declined": {"op", "up"},
    "appointment": {"op", "md", "vz"},
    "missed": set(),
    "debt 04-28": {"md"},
    "course": {"op", "up"},
    "course corrected": {"op", "up"},
    "debt 06-16": set(),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_a_desk_lets_go_reaches_whom_the_story_says_and_nobody_more(story: Story, name: str) -> None:
    assert story.given_to(name) == EXPECTED[name]


def test_the_hub_refuses_nothing_that_a_desk_let_go(story: Story) -> None:
    for unit in story.town.units.values():
        with unit.store.read() as tx:
            counts = tx.outbox.counts()
            assert tx.quarantine.open_items() == []
        assert counts[OutboxState.REFUSED] == counts[OutboxState.WAITING] == counts[OutboxState.SENT] == 0


def test_debts_without_consent_and_missed_meetings_stay_with_the_advice_office(story: Story) -> None:
    assert story.held_at("op") == {
        story.id_of("missed"): "conduct-never-shared",
        story.id_of("debt 06-16"): "no-ground",
    }


def test_the_enrolment_was_held_until_the_consent_and_still_shows_as_own(story: Story) -> None:
    assert story.said["enrolled"].state is RecordedState.HELD
    entry = story.entry("op", story.id_of("enrolled"))
    assert (entry.kind, entry.state) == (EntryKind.OWN, OwnState.ACCEPTED)


def test_the_city_erases_what_the_withdrawn_consent_opened_and_says_so(story: Story) -> None:
    md = story.town["md"]
    with md.store.read() as tx:
        (duty,) = tx.obligations.unanswered()
    assert None not in {story.entry("md", one).payload for one in duty.facts.entries}
    answer = md.desk.answer_obligation(duty.facts.obligation_id, Statement())
    story.town.settle()
    with md.store.read() as tx:
        assert tx.obligations.unanswered() == []
        kinds = {entry.category: entry.kind for entry in tx.journal.of_subject(story.karel) if entry.author == "op"}
    assert story.entry("md", answer.message_id).state is OwnState.ACCEPTED
    assert kinds["income-debt"] is EntryKind.ERASED
    assert kinds["housing"] is EntryKind.GIVEN


def test_an_attempt_by_the_debt_collectors_is_reported_to_the_hub(story: Story) -> None:
    access = Access(ActorId("clerk/m3"), UnitId("md-claims"), outcome="refused", reason="not-this-unit")
    recorded = story.town["md"].desk.report_access(story.karel, access)
    story.town.settle()
    assert story.entry("md", recorded.message_id).state is OwnState.ACCEPTED


def test_the_target_says_received_once_however_often_it_looks(story: Story) -> None:
    up = story.town["up"]
    up.desk.tend()
    with up.store.read() as tx:
        received = tx.journal.of_type(MessageType("eu.spojka.referral.received.v1"))
    assert len([entry for entry in received if entry.kind is EntryKind.OWN]) == 1


def test_a_worker_s_pseudonym_goes_with_the_entry(story: Story) -> None:
    occasion = Occasion(actor=ActorId("counsellor/w7"))
    recorded = story.town["op"].desk.assess_need(KAREL, C.HEALTH, occasion=occasion)
    assert b'"actor":"counsellor/w7"' in (story.entry("op", recorded.message_id).payload or b"")
