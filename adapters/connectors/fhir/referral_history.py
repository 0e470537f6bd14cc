"""The moves of a referral as Provenance tells them: what another system of this exchange wrote, and what we wrote ourselves.

Invariants: the order is that of `Task.relevantHistory`; a Task whose history is not here whole has none, and is read by where it stands.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.connectors.fhir import fields
from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.reading import Context, built, need_coded
from adapters.connectors.fhir.referral_groups import Group
from adapters.connectors.fhir.resources import Resource
from adapters.connectors.fhir.systems import MOVE, system_of
from adapters.connectors.fhir.write_referral import REASON_LISTS
from adapters.connectors.refusal import RefusalReason
from contracts.facts import Facts
from contracts.messages.referral import STATUS_MESSAGES, ReferralContent, ReferralFacts
from contracts.names import ReferralId

_PLACES: Final = {"reason": "reason"}


@dataclass(frozen=True, slots=True)
class Told:
    """One move with its author and moment."""

    provenance: Resource
    move: type[ReferralFacts]
    time: datetime
    agent: Element | None
    values: dict[str, Any]
    content: ReferralContent

    def facts(self, referral_id: ReferralId) -> Facts:
        """The move's facts. Raises `CellError`."""
        element = self.provenance.element
        facts = built(self.move, self.values | {"referral_id": referral_id}, element, _PLACES)
        need_coded(facts, element, _PLACES)
        return facts


def history(context: Context, group: Group) -> list[Told]:
    """All moves; empty where the Tasks tell no history, or not all of it is here. Raises `CellError`."""
    references = [one for snapshot in group.snapshots for one in snapshot.element.children("relevantHistory")]
    found = [context.resources.find(one) for one in references]
    every = [one for one in found if one is not None and one.element.code_of("activity", MOVE) is not None]
    return [_told(context, one) for one in every] if len(every) == len(references) else []


def _told(context: Context, provenance: Resource) -> Told:
    element = provenance.element
    name = element.code_of("activity", MOVE) or ""
    move = STATUS_MESSAGES.get(name)
    if move is None:
        raise element.fault(RefusalReason.UNKNOWN_CODE, "activity", name)
    time = element.moment("occurredDateTime", context.zone)
    if time is None:
        raise element.missing("occurredDateTime")
    values = fields.read(element)
    if move in REASON_LISTS:
        values["reason"] = element.code_of("reason", system_of(REASON_LISTS[move]))
    agents = element.children("agent")
    return Told(
        provenance,
        move,
        context.past(element, "occurredDateTime", time),
        agents[0].child("who") if agents else None,
        values,
        built(ReferralContent, fields.read(element, content=True), element, {}),
    )
