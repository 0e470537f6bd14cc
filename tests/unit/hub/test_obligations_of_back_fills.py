"""Who was given entries by a back-fill must erase them too when sharing ends; who never was learns of nothing."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from contracts.categories import Category
from contracts.envelope import parse
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentGiven, ConsentWithdrawn
from contracts.messages.hub import ObligationOpened
from contracts.messages.need import NeedAssessed
from contracts.messages.referral import QuestionAnswered, QuestionAsked, ReferralSent
from contracts.names import GroundId, MessageId, ReferralId, UnitId
from hub.domain.events import MessageAccepted
from tests.simulation.programme import START, Simulation

SKILLS, HOUSING = Category.SKILLS, Category.HOUSING


@pytest.fixture
def hub() -> Simulation:
    hub = Simulation()
    hub.publish_trust_list()
    hub.clock.at = START + timedelta(days=39)
    return hub


def consent(
    hub: Simulation, recipient: str, categories: Iterable[Category], *, days: int = 300, release: bool = True
) -> GroundId:
    consent_id = GroundId(hub.next_id())
    grant = Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId(recipient)),
        categories=tuple(categories),
        until=START + timedelta(days=days),
        history_from=START,
    )
    facts = ConsentGiven(
        consent_id=consent_id,
        recipient=grant.recipient,
        grants=(grant,),
        paper=("consent", "release-from-secrecy") if release else ("consent",),
        notice_version="1",
        evidence_hash="0" * 64,
        method="signed-paper",
    )
    hub.say("op", facts)
    return consent_id


def need(hub: Simulation, category: Category) -> MessageId:
    return hub.say("op", NeedAssessed(dimension=category.value), category=category)


def duties(hub: Simulation) -> list[tuple[str, set[MessageId]]]:
    facts = [parse(event.message.payload).facts for event in hub.shard.log if isinstance(event, MessageAccepted)]
    return [(one.unit, set(one.entries)) for one in facts if isinstance(one, ObligationOpened)]


def test_a_unit_that_was_given_history_must_erase_it_when_the_consent_is_withdrawn(hub: Simulation) -> None:
    consent(hub, "vz", [SKILLS])
    entry = need(hub, SKILLS)
    later = consent(hub, "up", [SKILLS])
    hub.relay_all()
    assert hub.given_to(entry) == {"vz", "up"}
    hub.say("op", ConsentWithdrawn(consent_id=later))
    assert duties(hub) == [("up", {entry})]


def test_a_withdrawal_that_comes_between_the_end_and_its_timer_loses_no_duty(hub: Simulation) -> None:
    consent(hub, "vz", [SKILLS])
    entry = need(hub, SKILLS)
    later = consent(hub, "up", [SKILLS], days=50)
    hub.relay_all()
    hub.clock.at = START + timedelta(days=51)
    hub.say("op", ConsentWithdrawn(consent_id=later))
    hub.fire()
    assert duties(hub) == [("up", {entry})]


def test_an_entry_that_was_never_open_to_a_unit_is_named_to_it_in_no_duty(hub: Simulation) -> None:
    consent(hub, "vz", [SKILLS, HOUSING])
    skills, housing = need(hub, SKILLS), need(hub, HOUSING)
    without_release = consent(hub, "up", [SKILLS], release=False)
    other = consent(hub, "md", [HOUSING])
    hub.relay_all()
    assert (hub.given_to(skills), hub.given_to(housing)) == ({"vz"}, {"vz", "md"})
    hub.say("op", ConsentWithdrawn(consent_id=without_release))
    hub.say("op", ConsentWithdrawn(consent_id=other))
    assert duties(hub) == [("md", {housing})]


def test_what_two_parties_of_a_referral_wrote_to_each_other_is_named_to_no_third_unit(hub: Simulation) -> None:
    consent(hub, "vz", [SKILLS])
    referral_id = ReferralId(hub.next_id())
    due = hub.clock.at + timedelta(days=9)
    sent = ReferralSent(referral_id=referral_id, kind="referral", target=UnitId("vz"), answer_due=due)
    status = hub.say("op", sent, category=SKILLS)
    question = hub.say("vz", QuestionAsked(referral_id=referral_id), category=SKILLS)
    answer = hub.say("op", QuestionAnswered(referral_id=referral_id, question_id=question), category=SKILLS)
    later = consent(hub, "up", [SKILLS])
    hub.relay_all()
    assert (hub.given_to(status), hub.given_to(answer)) == ({"vz", "up"}, {"vz"})
    hub.say("op", ConsentWithdrawn(consent_id=later))
    assert duties(hub) == [("up", {status})]
