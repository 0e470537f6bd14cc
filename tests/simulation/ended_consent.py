"""A short story with a log that has something of everything: what the tests of the audit change, and show to auditors."""

from datetime import timedelta
from typing import Final

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentGiven, ConsentWithdrawn
from contracts.messages.need import NeedAssessed
from contracts.names import GroundId, UnitId
from tests.simulation.programme import START, Simulation

SKILLS: Final = Category.SKILLS


def paper_of(consent: GroundId) -> ConsentGiven:
    """The advice office may share skills with the school, from the programme's start on."""
    grant = Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId("vz")),
        categories=(SKILLS,),
        until=START + timedelta(days=300),
        history_from=START,
    )
    return on_paper(consent, grant)


def consent_that_ended() -> Simulation:
    """A consent, entries before and after it ends, a withdrawal, a refusal, and a revoked key's list."""
    simulation = Simulation()
    simulation.publish_trust_list()
    simulation.clock.at = START + timedelta(days=39)
    consent = GroundId(simulation.next_id())
    simulation.say("op", paper_of(consent))
    for _ in range(3):
        simulation.say("op", NeedAssessed(dimension="skills"), category=SKILLS)
    simulation.say("up", NeedAssessed(dimension="skills"), category=SKILLS)
    simulation.relay_all()
    simulation.report_all()
    simulation.say("op", ConsentWithdrawn(consent_id=consent))
    simulation.move_to(simulation.clock.at + timedelta(days=40))
    simulation.revoke(simulation.units["md"].key.key_id)
    return simulation
