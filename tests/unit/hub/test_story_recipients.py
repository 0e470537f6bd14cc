"""Who is given what in the story of Děčín, against the table of STORY.md, which was worked out apart from any code."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.grants import Grant, to_unit
from contracts.messages import referral as r
from contracts.messages.appointment import AppointmentOffered
from contracts.messages.client import ClientEnrolled
from contracts.messages.consent import ConsentAttested, ConsentNarrowed, ConsentWithdrawn
from contracts.messages.entry import EntryCorrected
from contracts.messages.need import NeedAssessed
from contracts.messages.outcome import OutcomeRecorded
from contracts.messages.service import ServiceDelivered
from contracts.messages.session import SessionHeld
from contracts.names import GroundId, MessageId, ReferralId, UnitId
from hub.domain.events import MessageAccepted
from tests.simulation.programme import Simulation

PRAGUE = ZoneInfo("Europe/Prague")
C = Category


def day(month: int, number: int, year: int = 2026) -> datetime:
    return datetime(year, month, number, 10, tzinfo=PRAGUE)


class Story:
    """Plays the story's rows and remembers the messages by a name."""

    def __init__(self) -> None:
        self.hub = Simulation()
        self.hub.publish_trust_list()
        self.said: dict[str, MessageId] = {}
        self.ids: dict[str, str] = {}

    def on(self, month: int, number: int) -> None:
        self.hub.move_to(day(month, number))

    def id_of(self, name: str) -> str:
        return self.ids.setdefault(name, self.hub.next_id())

    def say(self, name: str, unit: str, facts: object, **attributes: object) -> MessageId:
        self.said[name] = self.hub.say(unit, facts, **attributes)  # type: ignore[arg-type] # facts of some type
        self.hub.relay_all()
        return self.said[name]

    def consent(  # noqa: PLR0913 - what a paper says
        self,
        name: str,
        by: str,
        sources: tuple[str, ...],
        recipients: tuple[str, ...],
        categories: tuple[Category, ...],
        *,
        until: datetime,
        history: datetime,
    ) -> None:
        for recipient in recipients:
            grant = Grant(
                sources=tuple(UnitId(source) for source in sources),
                recipient=to_unit(UnitId(recipient)),
                categories=categories,
                until=until,
                history_from=history,
            )
            facts = on_paper(GroundId(self.id_of(name)), grant)
            self.say(f"{name}/{recipient}", by, facts)

    def attest(self, name: str, by: str) -> None:
        self.say(
            f"{name}/attested/{by}", by, ConsentAttested(consent_id=GroundId(self.id_of(name)), method="saw-original")
        )

    def move(
        self,
        name: str,
        unit: str,
        step: Callable[..., r.ReferralFacts],
        referral: str,
        category: Category,
        **facts: object,
    ) -> None:
        self.say(name, unit, step(referral_id=ReferralId(self.id_of(referral)), **facts), category=category)

    def given(self, name: str) -> set[str]:
        return self.hub.given_to(self.said[name])

    def recorded(self, name: str) -> set[str]:
        """Whom intake recorded when it decided the message."""
        (indexed,) = [one for (_, said), one in self.hub.shard.index.items() if said == self.said[name]]
        event = self.hub.shard.log[indexed.position]
        return {given.unit for given in event.recipients} if isinstance(event, MessageAccepted) else set()


@pytest.fixture(scope="module")
def story() -> Story:
    return played()


def played() -> Story:  # noqa: PLR0915 - the story is as long as it is
    """The whole story."""
    s = Story()
    s.on(2, 9)
    s.consent(
        "C1",
        "op",
        ("op", "up", "md"),
        ("op", "up", "md"),
        (C.IDENTITY, C.EMPLOYMENT, C.SKILLS, C.HOUSING),
        until=day(1, 31, 2027),
        history=day(2, 2),
    )
    s.say("enrolled", "op", ClientEnrolled(status="inactive-unregistered"), category=C.IDENTITY, time=day(2, 2))
    s.on(2, 10)
    s.say("need housing", "op", NeedAssessed(dimension="housing"), category=C.HOUSING)
    s.say("need skills", "op", NeedAssessed(dimension="skills"), category=C.SKILLS)
    s.say("need debt", "op", NeedAssessed(dimension="income-debt"), category=C.INCOME_DEBT)
    s.on(2, 11)
    s.move(
        "R1 sent", "op", r.ReferralSent, "R1", C.EMPLOYMENT, kind="referral", target=UnitId("up"), answer_due=day(2, 20)
    )
    s.move("R1 received", "up", r.ReferralReceived, "R1", C.EMPLOYMENT)
    s.move(
        "R2 sent", "op", r.ReferralSent, "R2", C.HOUSING, kind="referral", target=UnitId("md"), answer_due=day(2, 20)
    )
    s.on(2, 12)
    s.attest("C1", "up")
    s.attest("C1", "md")
    s.on(2, 13)
    s.move("R1 info-requested", "up", r.ReferralInfoRequested, "R1", C.EMPLOYMENT, question_id=s.hub.next_id())
    s.on(2, 16)
    s.move("R1 info-given", "op", r.ReferralInfoGiven, "R1", C.EMPLOYMENT, question_id=s.hub.next_id())
    s.on(2, 17)
    s.move("R2 waitlisted", "md", r.ReferralWaitlisted, "R2", C.HOUSING, expected=day(5, 4))
    s.on(2, 18)
    s.move("R1 accepted", "up", r.ReferralAccepted, "R1", C.EMPLOYMENT, first_meeting=day(2, 24))
    s.on(2, 24)
    for unit, category in (("op", C.EMPLOYMENT), ("up", C.EMPLOYMENT), ("md", C.HOUSING)):
        s.say(f"session {unit}", unit, SessionHeld(kind="social", form="case-conference"), category=category)
    s.move("R1 started", "up", r.ReferralStarted, "R1", C.EMPLOYMENT, first_contact=day(2, 24))
    s.on(3, 3)
    s.consent("C2", "op", ("op",), ("md",), (C.INCOME_DEBT,), until=day(8, 31), history=day(2, 2))
    s.say("debt 02-10", "op", NeedAssessed(dimension="income-debt"), category=C.INCOME_DEBT, time=day(2, 10))
    s.say("debt 02-24", "op", SessionHeld(kind="debt", form="case-conference"), category=C.INCOME_DEBT, time=day(2, 24))
    s.on(3, 10)
    s.consent(
        "C3",
        "up",
        ("op", "up", "vz"),
        ("op", "up", "vz"),
        (C.EMPLOYMENT, C.SKILLS),
        until=day(1, 31, 2027),
        history=day(2, 10),
    )
    s.attest("C3", "op")
    s.on(3, 11)
    s.move("R3 sent", "up", r.ReferralSent, "R3", C.SKILLS, kind="referral", target=UnitId("vz"), answer_due=day(3, 25))
    s.attest("C3", "vz")
    s.on(3, 16)
    s.move("R3 declined", "vz", r.ReferralDeclined, "R3", C.SKILLS, reason="no-capacity")
    s.on(3, 17)
    s.move(
        "R4 sent",
        "up",
        r.ReferralSent,
        "R4",
        C.SKILLS,
        kind="referral",
        target=UnitId("vz"),
        answer_due=day(3, 31),
        parent=ReferralId(s.id_of("R3")),
    )
    s.on(3, 19)
    s.move("R4 accepted", "vz", r.ReferralAccepted, "R4", C.SKILLS)
    s.on(4, 9)
    s.say("appointment", "up", AppointmentOffered(when=day(4, 20)), category=C.EMPLOYMENT, time=day(4, 8))
    s.on(4, 28)
    s.say("debt 04-28", "op", ServiceDelivered(service="debt-relief-petition"), category=C.INCOME_DEBT)
    s.on(5, 4)
    s.move("R2 accepted", "md", r.ReferralAccepted, "R2", C.HOUSING)
    s.on(5, 6)
    s.move("R2 started", "md", r.ReferralStarted, "R2", C.HOUSING, first_contact=day(5, 6))
    s.on(5, 18)
    s.move("R4 started", "vz", r.ReferralStarted, "R4", C.SKILLS, first_contact=day(5, 18))
    s.on(6, 3)
    s.say("C2 withdrawn", "op", ConsentWithdrawn(consent_id=GroundId(s.id_of("C2"))))
    s.on(6, 5)
    s.say(
        "course", "vz", ServiceDelivered(service="welding", quantity="80", unit_of_quantity="hours"), category=C.SKILLS
    )
    s.say("certificate", "vz", OutcomeRecorded(outcome="certificate"), category=C.SKILLS)
    s.move("R4 completed", "vz", r.ReferralCompleted, "R4", C.SKILLS, outcome="goal-reached")
    s.on(6, 8)
    s.say(
        "course corrected",
        "vz",
        EntryCorrected(reason="typing-error"),
        category=C.SKILLS,
        time=day(6, 5),
        corrects=s.said["course"],
    )
    s.on(6, 9)
    s.move("R4 closed", "up", r.ReferralClosed, "R4", C.SKILLS)
    s.on(6, 16)
    s.say("debt 06-16", "op", ServiceDelivered(service="debt-relief"), category=C.INCOME_DEBT)
    s.on(7, 13)
    s.say("employed", "up", OutcomeRecorded(outcome="employed", isco="7212"), category=C.EMPLOYMENT)
    s.on(7, 20)
    s.move("R1 completed", "up", r.ReferralCompleted, "R1", C.EMPLOYMENT, outcome="goal-reached")
    s.on(7, 27)
    s.move("R1 closed", "op", r.ReferralClosed, "R1", C.EMPLOYMENT)
    s.on(8, 3)
    s.say("tenancy", "md", OutcomeRecorded(outcome="tenancy"), category=C.HOUSING)
    s.on(8, 18)
    s.say("session 08-18", "op", SessionHeld(kind="legal", form="individual"), category=C.EMPLOYMENT)
    s.on(8, 19)
    s.move("R1 reopened", "up", r.ReferralReopened, "R1", C.EMPLOYMENT, reason="new-difficulty")
    s.on(9, 15)
    s.move("R1 completed again", "up", r.ReferralCompleted, "R1", C.EMPLOYMENT, outcome="goal-reached")
    s.on(9, 22)
    s.move("R1 closed again", "op", r.ReferralClosed, "R1", C.EMPLOYMENT)
    s.on(9, 30)
    s.move("R2 completed", "md", r.ReferralCompleted, "R2", C.HOUSING, outcome="goal-reached")
    s.on(10, 13)
    s.say("still employed", "up", OutcomeRecorded(outcome="employed", follow_up_months=3), category=C.EMPLOYMENT)
    s.on(10, 30)
    until = day(1, 31, 2027)
    for recipient in ("op", "up", "md"):
        grants = (
            ()
            if recipient == "md"
            else (
                Grant(
                    sources=(UnitId("op"), UnitId("up")),
                    recipient=to_unit(UnitId(recipient)),
                    categories=(C.EMPLOYMENT,),
                    until=until,
                ),
            )
        )
        facts = ConsentNarrowed(consent_id=GroundId(s.id_of("C1")), recipient=to_unit(UnitId(recipient)), grants=grants)
        s.say(f"C1 narrowed/{recipient}", "op", facts)
    s.say("C3 withdrawn", "op", ConsentWithdrawn(consent_id=GroundId(s.id_of("C3"))))
    s.on(11, 5)
    s.say("up 11-05", "up", SessionHeld(kind="labour-market", form="phone"), category=C.EMPLOYMENT)
    s.say("md 11-05", "md", SessionHeld(kind="social", form="phone"), category=C.HOUSING)
    return s


EXPECTED = {
    "enrolled": {"up", "md"},
    "need housing": {"up", "md"},
    "need skills": {"up", "md"},
    "need debt": set(),
    "R1 sent": {"up", "md"},
    "R1 received": {"op"},
    "R2 sent": {"up", "md"},
    "R1 info-requested": {"op", "md"},
    "R2 waitlisted": {"op", "up"},
    "R1 accepted": {"op", "md"},
    "session op": {"up", "md"},
    "session up": {"op", "md"},
    "session md": {"op", "up"},
    "debt 02-10": {"md"},
    "debt 02-24": {"md"},
    "R3 sent": {"op", "md", "vz"},
    "R3 declined": {"op", "up"},
    "R4 sent": {"op", "md", "vz"},
    "appointment": {"op", "md", "vz"},
    "debt 04-28": {"md"},
    "R2 accepted": {"op", "up"},
    "R4 started": {"op", "up"},
    "course": {"op", "up"},
    "certificate": {"op", "up"},
    "course corrected": {"op", "up"},
    "debt 06-16": set(),
    "employed": {"op", "md", "vz"},
    "tenancy": {"op", "up"},
    "session 08-18": {"up", "md", "vz"},
    "still employed": {"op", "md", "vz"},
    "up 11-05": {"op"},
    "md 11-05": set(),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_everyone_is_given_what_the_story_says_and_nobody_more(story: Story, name: str) -> None:
    assert story.recorded(name) == EXPECTED[name]


def test_attesting_back_fills_the_skills_need_to_the_school_and_not_the_housing_need(story: Story) -> None:
    assert story.given("need skills") == {"up", "md", "vz"}
    assert story.given("need housing") == {"up", "md"}


def test_whom_the_log_names_the_feeds_reach(story: Story) -> None:
    missing = {name: story.recorded(name) - story.given(name) for name in EXPECTED}
    assert {name: units for name, units in missing.items() if units} == {}


def test_the_city_s_debt_collectors_are_given_nothing(story: Story) -> None:
    deliveries = [record for record in story.hub.feeds.get(UnitId("md-claims"), []) if record.kind == "delivery"]
    assert [
        record for record in deliveries if b"trust-list" not in (record.message.payload if record.message else b"")
    ] == []


@pytest.mark.parametrize("name", ["need debt", "debt 06-16", "md 11-05"])
def test_what_nobody_may_have_is_refused_for_want_of_a_ground(story: Story, name: str) -> None:
    assert story.hub.receipt("md" if name.startswith("md") else "op", story.said[name]).code is RefusalCode.NO_GROUND


def test_every_other_message_of_the_story_is_accepted(story: Story) -> None:
    refused = {"need debt", "debt 06-16", "md 11-05"}
    units = {unit.source: name for name, unit in story.hub.units.items()}
    codes = {}
    for name, message_id in story.said.items():
        for unit in units.values():
            try:
                codes[name] = story.hub.receipt(unit, message_id).code
            except ValueError:
                continue
    assert {name: code for name, code in codes.items() if code is not None and name not in refused} == {}
    assert set(codes) == set(story.said)
