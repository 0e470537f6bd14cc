"""Before a consent ends by itself its parties are told in time to ask the client; nobody else learns of it, and nobody is bothered for nothing."""

from datetime import datetime, timedelta, timezone

import pytest

from contracts.categories import Category, Purpose
from contracts.envelope import parse
from contracts.grants import Grant, Recipient, to_unit
from contracts.messages.consent import ConsentExtended, ConsentGiven, ConsentWithdrawn
from contracts.messages.ground import GroundRegistered
from contracts.messages.hub import ConsentExpired, ConsentExpiryAnnounced, SettingsChanged
from contracts.names import GroundId, MessageId, UnitId
from contracts.trust_list import MandateEntry
from hub.application.programme import notice_name
from hub.domain.events import MessageAccepted
from tests.simulation.programme import START, STORY_UNITS, Simulation, UnitSpec

SKILLS, HOUSING = Category.SKILLS, Category.HOUSING
TODAY = START + timedelta(days=39)


@pytest.fixture
def hub() -> Simulation:
    hub = Simulation()
    hub.publish_trust_list()
    hub.clock.at = TODAY
    return hub


def grant(recipient: str, days: int, *categories: Category) -> Grant:
    until = TODAY + timedelta(days=days)
    return Grant(sources=(UnitId("op"),), recipient=to_unit(UnitId(recipient)), categories=categories, until=until)


def consent(hub: Simulation, *grants: Grant, consent_id: GroundId | None = None) -> GroundId:
    name = consent_id or GroundId(hub.next_id())
    facts = ConsentGiven(
        consent_id=name,
        recipient=grants[0].recipient,
        grants=grants,
        paper=("consent", "release-from-secrecy"),
        notice_version="1",
        evidence_hash="0" * 64,
        method="signed-paper",
    )
    hub.say("op", facts)
    return name


def extend(hub: Simulation, consent_id: GroundId, *grants: Grant) -> None:
    recipient: Recipient = grants[0].recipient
    hub.say("op", ConsentExtended(consent_id=consent_id, recipient=recipient, grants=grants, evidence_hash="0" * 64))


def notices(hub: Simulation) -> list[tuple[MessageId, ConsentExpiryAnnounced]]:
    said = [parse(event.message.payload) for event in hub.shard.log if isinstance(event, MessageAccepted)]
    return [(one.id, one.facts) for one in said if isinstance(one.facts, ConsentExpiryAnnounced)]


def told_at(hub: Simulation) -> list[datetime]:
    accepted = [event for event in hub.shard.log if isinstance(event, MessageAccepted)]
    return [one.at for one in accepted if isinstance(parse(one.message.payload).facts, ConsentExpiryAnnounced)]


def test_the_parties_are_told_a_month_before_a_consent_ends_and_nobody_else(hub: Simulation) -> None:
    consent(hub, grant("vz", 90, SKILLS))
    hub.move_to(TODAY + timedelta(days=59))
    assert not notices(hub)
    hub.move_to(TODAY + timedelta(days=60))
    ((name, facts),) = notices(hub)
    assert (facts.expiring, facts.until) == (1, TODAY + timedelta(days=90))
    assert hub.given_to(name) == {"op", "vz"}


def test_a_recipient_whose_part_goes_on_is_not_told_of_the_part_that_ends(hub: Simulation) -> None:
    name = consent(hub, grant("vz", 90, SKILLS))
    consent(hub, grant("md", 200, HOUSING), consent_id=name)
    hub.move_to(TODAY + timedelta(days=61))
    ((told, _),) = notices(hub)
    assert hub.given_to(told) == {"op", "vz"}


def test_one_end_is_told_once_however_it_was_written(hub: Simulation) -> None:
    first = grant("vz", 90, SKILLS)
    name = consent(hub, first)
    elsewhere = first.until.astimezone(timezone(timedelta(hours=2)))
    consent(hub, first.model_copy(update={"until": elsewhere, "categories": (HOUSING,)}), consent_id=name)
    hub.move_to(TODAY + timedelta(days=61))
    ((_, facts),) = notices(hub)
    assert facts.expiring == 2


def test_a_consent_that_was_renewed_in_time_bothers_nobody(hub: Simulation) -> None:
    name = consent(hub, grant("vz", 90, SKILLS))
    extend(hub, name, grant("vz", 300, SKILLS, HOUSING))
    hub.move_to(TODAY + timedelta(days=100))
    assert not notices(hub)


def test_a_renewal_of_a_part_leaves_the_rest_to_be_told(hub: Simulation) -> None:
    name = consent(hub, grant("vz", 90, SKILLS, HOUSING))
    extend(hub, name, grant("vz", 300, SKILLS))
    hub.move_to(TODAY + timedelta(days=61))
    assert len(notices(hub)) == 1


def test_a_consent_that_was_withdrawn_is_not_announced_to_end(hub: Simulation) -> None:
    hub.say("op", ConsentWithdrawn(consent_id=consent(hub, grant("vz", 90, SKILLS))))
    hub.move_to(TODAY + timedelta(days=100))
    assert not notices(hub)


def test_a_consent_shorter_than_the_notice_was_agreed_knowingly(hub: Simulation) -> None:
    consent(hub, grant("vz", 20, SKILLS))
    hub.move_to(TODAY + timedelta(days=30))
    assert not notices(hub)


def test_a_notice_survives_a_new_writer_and_comes_once_though_the_hub_was_down_when_it_was_due(hub: Simulation) -> None:
    consent(hub, grant("vz", 90, SKILLS))
    hub.clock.at = TODAY + timedelta(days=70)
    for _ in range(2):
        hub.intake = hub.new_intake()
        hub.fire()
    assert told_at(hub) == [TODAY + timedelta(days=70)]


def test_a_hub_that_was_down_until_the_end_says_that_it_ended_and_not_that_it_will(hub: Simulation) -> None:
    consent(hub, grant("vz", 90, SKILLS))
    hub.clock.at = TODAY + timedelta(days=91)
    hub.intake = hub.new_intake()
    hub.fire()
    said = [parse(one.message.payload).facts for one in hub.shard.log if isinstance(one, MessageAccepted)]
    assert [type(one) for one in said if isinstance(one, ConsentExpired | ConsentExpiryAnnounced)] == [ConsentExpired]


@pytest.mark.parametrize(("days", "expected"), [(7, [TODAY + timedelta(days=83)]), (0, [])])
def test_the_operator_says_how_long_before(hub: Simulation, days: int, expected: list[datetime]) -> None:
    facts = SettingsChanged(
        version=1,
        obligation_days=30,
        close_after_days=14,
        reopen_within_days=60,
        waitlist_grace_days=14,
        notice_days=days,
    )
    _, signed = hub.programme.voice.say(facts, name=notice_name(facts), at=hub.clock.at)
    hub.take([hub.record(signed, hub.hub_record_key)])
    consent(hub, grant("vz", 90, SKILLS))
    hub.move_to(TODAY + timedelta(days=89))
    assert told_at(hub) == expected


def test_what_a_law_opens_nobody_is_asked_to_renew() -> None:
    by_law = MandateEntry(
        bases=("A6-1-e",),
        statute="act-435-2004",
        purposes=(Purpose.ELIGIBILITY,),
        categories=(Category.EMPLOYMENT,),
        sources=(UnitId("up"),),
    )
    specs = tuple(
        UnitSpec("up", "urad-prace", ("labour-office",), secrecy=True, mandates=(by_law,)) if one.name == "up" else one
        for one in STORY_UNITS
    )
    hub = Simulation(specs)
    hub.publish_trust_list()
    hub.clock.at = TODAY
    given = Grant(
        sources=(UnitId("up"),),
        recipient=to_unit(UnitId("vz")),
        purpose=Purpose.ELIGIBILITY,
        categories=(Category.EMPLOYMENT,),
        until=TODAY + timedelta(days=90),
    )
    ground_id = GroundId(hub.next_id())
    hub.say("up", GroundRegistered(ground_id=ground_id, basis=("A6-1-e",), statute="act-435-2004", grants=(given,)))
    assert [one.reference for one in hub.shard.timers.values()] == [ground_id]


def test_a_paper_entered_again_after_its_end_was_told_does_not_stop_everybody_s_timers(hub: Simulation) -> None:
    name = consent(hub, grant("vz", 10, SKILLS), grant("vz", 90, HOUSING))
    hub.move_to(TODAY + timedelta(days=20))
    extend(hub, name, grant("vz", 10, SKILLS))
    hub.move_to(TODAY + timedelta(days=61))
    said = [parse(event.message.payload).facts for event in hub.shard.log if isinstance(event, MessageAccepted)]
    assert len([one for one in said if isinstance(one, ConsentExpired)]) == 1
    assert len(notices(hub)) == 1, "the timers behind it speak"
