"""What units say in tests over sealed content."""

from datetime import timedelta

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentGiven
from contracts.names import GroundId, UnitId
from tests.simulation.programme import START
from tests.simulation.sealed import SealedSimulation


def housing_consent(units: SealedSimulation) -> ConsentGiven:
    """OP may share housing with MD."""
    units.clock.at = max(units.clock.at, START + timedelta(days=10))
    grant = Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId("md")),
        categories=(Category.HOUSING,),
        until=START + timedelta(days=300),
        history_from=START,
    )
    return on_paper(GroundId(units.next_id()), grant)
