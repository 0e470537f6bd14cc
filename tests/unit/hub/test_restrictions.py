"""A restriction ends giving, not holding: what is contested is kept and not used, and nobody is told to erase it for that."""

from datetime import timedelta

import pytest

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.envelope import parse
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentNarrowed, ConsentWithdrawn
from contracts.messages.hub import ObligationOpened
from contracts.messages.need import NeedAssessed
from contracts.messages.processing import ProcessingRestricted
from contracts.names import GroundId, MessageId, UnitId
from hub.domain.events import MessageAccepted
from tests.simulation.programme import START, Simulation

HOUSING, SKILLS = Category.HOUSING, Category.SKILLS
CONSENT = GroundId("00000000-0000-4000-8000-000000000001")


def grant(hub: Simulation, *categories: Category) -> Grant:
    return Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId("up")),
        categories=categories,
        until=hub.clock.at + timedelta(days=90),
    )


@pytest.fixture
def hub() -> Simulation:
    """UP holds an entry about housing and one about skills; the client contests housing."""
    made = Simulation()
    made.publish_trust_list()
    made.clock.at = START + timedelta(days=10)
    opened = grant(made, HOUSING, SKILLS)
    facts = on_paper(CONSENT, opened)
    made.say("op", facts)
    for category in (HOUSING, SKILLS):
        made.say("op", NeedAssessed(dimension="housing"), category=category)
    made.relay_all()
    made.say("op", ProcessingRestricted(categories=(HOUSING,)))
    return made


def to_erase(hub: Simulation) -> set[MessageId]:
    said = [parse(event.message.payload).facts for event in hub.shard.log if isinstance(event, MessageAccepted)]
    return {entry for facts in said if isinstance(facts, ObligationOpened) for entry in facts.entries}


def entries(hub: Simulation) -> dict[Category | None, MessageId]:
    said = [parse(event.message.payload) for event in hub.shard.log if isinstance(event, MessageAccepted)]
    return {one.category: one.id for one in said if isinstance(one.facts, NeedAssessed)}


def test_what_is_contested_is_not_to_be_erased_when_another_part_of_the_consent_ends(hub: Simulation) -> None:
    remaining = grant(hub, HOUSING)
    hub.say("op", ConsentNarrowed(consent_id=CONSENT, recipient=remaining.recipient, grants=(remaining,)))
    assert to_erase(hub) == {entries(hub)[SKILLS]}


def test_what_is_contested_is_to_be_erased_when_no_consent_covers_it_any_more(hub: Simulation) -> None:
    hub.say("op", ConsentWithdrawn(consent_id=CONSENT))
    assert to_erase(hub) == set(entries(hub).values())


def test_what_is_contested_is_given_to_nobody_meanwhile(hub: Simulation) -> None:
    later = hub.say("op", NeedAssessed(dimension="skills"), category=SKILLS)
    contested = hub.say("op", NeedAssessed(dimension="housing"), category=HOUSING)
    hub.relay_all()
    assert hub.given_to(later) == {"up"}
    assert hub.receipt("op", contested).code == "no-ground"
