"""Each unit's timeline and worklist at the end, as its worker sees them by the adapter's own command. Looks at a client are reported to the hub."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from contracts.names import InstitutionId, UnitId
from deploy.story.clock import ZONE
from deploy.story.places import INSTITUTIONS, UnitPlan
from deploy.story.stage import TownStage
from projections.worklist import incoming, outgoing

_ACTOR: Final = "counsellor/demo"


@dataclass(frozen=True, slots=True)
class UnitLook:
    """What one unit sees."""

    unit: UnitId
    name: str
    timeline: Sequence[Mapping[str, Any]]
    worklist: Sequence[Mapping[str, Any]]
    outside: int
    """Referrals to places outside the programme, as imported."""

    def document(self) -> dict[str, object]:
        """For machines."""
        return {
            "name": self.name,
            "timeline": self.timeline,
            "worklist": self.worklist,
            "outside_the_programme": self.outside,
        }


Looks = Mapping[InstitutionId, Sequence[UnitLook]]


def look(stage: TownStage) -> Looks:
    """Look at every unit."""
    return {plan.institution: [_look(stage, plan.institution, unit) for unit in plan.units] for plan in INSTITUTIONS}


def documents(looks: Looks) -> dict[str, object]:
    """For machines: by institution and unit."""
    names = {plan.institution: plan.name for plan in INSTITUTIONS}
    return {
        institution: {"name": names[institution], "units": {one.unit: one.document() for one in units}}
        for institution, units in looks.items()
    }


def timeline(stage: TownStage, institution: InstitutionId, plan: UnitPlan) -> Sequence[Mapping[str, Any]]:
    """`spojka-adapter timeline` of Karel; empty where the unit does not know him."""
    if not plan.case_number:
        return []
    arguments = ("timeline", plan.case_number, "--unit", plan.unit, "--actor", _ACTOR, "--json")
    found: Sequence[Mapping[str, Any]] = json.loads(stage.premises.adapter_command(institution, *arguments))
    return found


def _look(stage: TownStage, institution: InstitutionId, plan: UnitPlan) -> UnitLook:
    worklist, outside = _worklist(stage, plan.unit)
    return UnitLook(plan.unit, plan.name, timeline(stage, institution, plan), worklist, outside)


def _worklist(stage: TownStage, unit: UnitId) -> tuple[Sequence[Mapping[str, Any]], int]:
    now = stage.premises.clock.now()
    overviews = stage.houses[unit].overviews()
    with overviews.look() as connection:
        known = [*incoming(connection, unit), *outgoing(connection, unit)]
    overviews.close()
    rows = [
        {
            "referral": one.referral_id,
            "source": one.source,
            "target": one.target,
            "category": one.category,
            "state": one.state.value,
            "sent": _day(one.sent_at),
            "due": None if one.due is None else _day(one.due),
            "overdue": one.overdue(now),
        }
        for one in known
        if not one.external
    ]
    return rows, len(known) - len(rows)


def _day(instant: datetime) -> str:
    return f"{instant.astimezone(ZONE):%Y-%m-%d}"
