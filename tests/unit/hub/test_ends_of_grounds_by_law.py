"""What a law opened until a day is shut after it as a consent's is: who holds it must erase it, and a referral on it goes on no longer."""

from datetime import timedelta

import pytest

from contracts.categories import Category, Purpose
from contracts.envelope import parse
from contracts.facts import Facts
from contracts.grants import Grant, to_unit
from contracts.messages.ground import GroundEnded, GroundRegistered
from contracts.messages.hub import ConsentExpired, GroundExpired, ObligationOpened, ObligationOverdue
from contracts.messages.need import NeedAssessed
from contracts.messages.referral import (
    ReferralAccepted,
    ReferralDetached,
    ReferralReceived,
    ReferralSent,
    ReferralWithdrawn,
)
from contracts.names import GroundId, MessageId, ReferralId, UnitId
from contracts.trust_list import MandateEntry
from hub.domain.events import MessageAccepted
from tests.simulation.exported import audited
from tests.simulation.programme import START, STORY_UNITS, Simulation, UnitSpec

SKILLS, HOUSING, BY_LAW = Category.SKILLS, Category.HOUSING, Purpose.ELIGIBILITY
MANDATE = MandateEntry(
    bases=("A6-1-e",),
    statute="act-435-2004",
    purposes=(BY_LAW,),
    categories=(SKILLS, HOUSING),
    sources=(UnitId("up"),),
    lifts_secrecy=True,
)
LABOUR = UnitSpec("up", "urad-prace", ("labour-office",), secrecy=True, mandates=(MANDATE,))
TODAY = START + timedelta(days=39)


@pytest.fixture
def hub() -> Simulation:
    hub = Simulation(tuple(LABOUR if one.name == "up" else one for one in STORY_UNITS))
    hub.publish_trust_list()
    hub.clock.at = TODAY
    return hub


def grant(recipient: str, days: int, *categories: Category) -> Grant:
    return Grant(
        sources=(UnitId("up"),),
        recipient=to_unit(UnitId(recipient)),
        purpose=BY_LAW,
        categories=categories,
        until=TODAY + timedelta(days=days),
    )


def by_law(hub: Simulation, *grants: Grant) -> GroundId:
    name = GroundId(hub.next_id())
    hub.say("up", GroundRegistered(ground_id=name, basis=("A6-1-e",), statute="act-435-2004", grants=grants))
    return name


def need(hub: Simulation, category: Category = SKILLS) -> MessageId:
    return hub.say("up", NeedAssessed(dimension=category.value), category=category, purpose=BY_LAW)


def said(hub: Simulation, *kinds: type[Facts]) -> list[tuple[MessageId, Facts]]:
    messages = [parse(event.message.payload) for event in hub.shard.log if isinstance(event, MessageAccepted)]
    return [(one.id, one.facts) for one in messages if isinstance(one.facts, kinds)]


def duties(hub: Simulation) -> list[tuple[str, str, set[MessageId]]]:
    found = [one for _, one in said(hub, ObligationOpened) if isinstance(one, ObligationOpened)]
    return [(one.unit, one.because, set(one.entries)) for one in found]


def test_whoever_holds_what_a_law_opened_must_erase_it_when_that_runs_out(hub: Simulation) -> None:
    ground = by_law(hub, grant("vz", 90, SKILLS))
    entry = need(hub)
    hub.relay_all()
    assert hub.given_to(entry) == {"vz"}
    hub.move_to(TODAY + timedelta(days=89))
    assert not said(hub, GroundExpired)
    hub.move_to(TODAY + timedelta(days=90))
    ((name, facts),) = said(hub, GroundExpired, ConsentExpired)
    assert facts == GroundExpired(ground_id=ground, expired=1, due=TODAY + timedelta(days=90))
    assert hub.given_to(name) == {"up", "vz"}
    assert duties(hub) == [("vz", "expired", {entry})]
    hub.move_to(TODAY + timedelta(days=121))
    assert len(said(hub, ObligationOverdue)) == 1


def test_what_another_ground_by_law_still_opens_nobody_must_erase(hub: Simulation) -> None:
    by_law(hub, grant("vz", 90, SKILLS, HOUSING))
    by_law(hub, grant("vz", 200, SKILLS))
    skills, housing = need(hub), need(hub, HOUSING)
    hub.relay_all()
    hub.move_to(TODAY + timedelta(days=91))
    assert duties(hub) == [("vz", "expired", {housing})]
    hub.move_to(TODAY + timedelta(days=201))
    assert duties(hub)[1:] == [("vz", "expired", {skills})]


def test_a_recipient_whose_part_goes_on_keeps_it_and_is_not_told_of_the_part_that_ended(hub: Simulation) -> None:
    by_law(hub, grant("vz", 90, SKILLS), grant("md", 200, SKILLS))
    entry = need(hub)
    hub.relay_all()
    hub.move_to(TODAY + timedelta(days=91))
    ((name, _),) = said(hub, GroundExpired)
    assert hub.given_to(name) == {"up", "vz"}
    assert duties(hub) == [("vz", "expired", {entry})]
    later = need(hub)
    hub.relay_all()
    assert hub.given_to(later) == {"md"}


@pytest.mark.parametrize(("answered", "ended"), [(False, ReferralWithdrawn), (True, ReferralDetached)])
def test_a_referral_that_a_law_carried_goes_on_no_longer_than_that(
    hub: Simulation, *, answered: bool, ended: type[Facts]
) -> None:
    by_law(hub, grant("vz", 90, SKILLS))
    referral = ReferralId(hub.next_id())
    due = TODAY + timedelta(days=120)
    sent = ReferralSent(referral_id=referral, kind="referral", target=UnitId("vz"), answer_due=due)
    hub.say("up", sent, category=SKILLS, purpose=BY_LAW)
    if answered:
        for move in (ReferralReceived(referral_id=referral), ReferralAccepted(referral_id=referral)):
            hub.say("vz", move, category=SKILLS, purpose=BY_LAW)
    hub.relay_all()
    hub.move_to(TODAY + timedelta(days=91))
    assert len(said(hub, ended)) == 1


def test_an_end_that_came_while_the_hub_was_down_is_told_once_by_the_next_writer(hub: Simulation) -> None:
    by_law(hub, grant("vz", 90, SKILLS))
    entry = need(hub)
    hub.relay_all()
    hub.clock.at = TODAY + timedelta(days=95)
    for _ in range(2):
        hub.intake = hub.new_intake()
        hub.fire()
    assert len(said(hub, GroundExpired)) == 1
    assert duties(hub) == [("vz", "expired", {entry})]


def test_a_ground_that_its_unit_ended_before_does_not_run_out_as_well(hub: Simulation) -> None:
    ground = by_law(hub, grant("vz", 90, SKILLS))
    entry = need(hub)
    hub.relay_all()
    hub.say("up", GroundEnded(ground_id=ground))
    hub.move_to(TODAY + timedelta(days=91))
    assert not said(hub, GroundExpired)
    assert duties(hub) == [("vz", "ended", {entry})]


def test_an_auditor_comes_to_the_same_end_and_to_the_same_parties(hub: Simulation) -> None:
    by_law(hub, grant("vz", 90, SKILLS), grant("md", 200, SKILLS))
    need(hub)
    hub.relay_all()
    hub.move_to(TODAY + timedelta(days=201))
    assert len(said(hub, GroundExpired)) == 2
    assert audited(hub) == []


def test_no_unit_can_say_for_the_hub_that_a_ground_ran_out(hub: Simulation) -> None:
    ground = by_law(hub, grant("vz", 90, SKILLS))
    hub.say("up", GroundExpired(ground_id=ground, expired=1, due=TODAY + timedelta(days=90)))
    assert not said(hub, GroundExpired)
