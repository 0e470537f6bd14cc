"""Services and outcomes as Procedure, needs as Observation (assessment).

Invariants: the code of a Procedure says which of the two it is: an outcome's is of our outcome list; a field without an element is an extension.
"""

from typing import Final

from adapters.connectors.fhir import fields, references
from adapters.connectors.fhir.systems import (
    SNOMED,
    US_CORE_CATEGORY,
    Json,
    category_codings,
    concept,
    guide_concept,
    profile,
    service_coding,
)
from adapters.connectors.fhir.told import Told
from adapters.drafts import ClientKey
from contracts.categories import Category
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.outcome import OutcomeRecorded
from contracts.messages.service import ServiceDelivered

IN_SERVICE: Final = ("service", "begun", "ended", "referral_id")
IN_OUTCOME: Final = ("outcome", "referral_id")
TIME: Final = "time"
"""The extension with the moment of a service whose period has days only."""
_NOT_NAMED: Final = {"text": "not named"}


def service(client: ClientKey, told: Told, facts: ServiceDelivered) -> Json:
    """A service that was given."""
    code = {"coding": [service_coding(facts.service)]} if facts.service else _NOT_NAMED
    period = {name: day.isoformat() for name, day in (("start", facts.begun), ("end", facts.ended)) if day is not None}
    when = {"performedPeriod": period} if period else {"performedDateTime": told.time.isoformat()}
    moment = fields.write({TIME: told.time.isoformat()}) if period else []
    extension = [*moment, *fields.write(fields.dumped(facts), without=IN_SERVICE)]
    return _procedure(client, told, facts.referral_id, {"code": code, **when}, extension)


def outcome(client: ClientKey, told: Told, facts: OutcomeRecorded) -> Json:
    """What came of it."""
    code = concept("outcome-type", facts.outcome) if facts.outcome else _NOT_NAMED
    told_as = {"code": code, "outcome": code, "performedDateTime": told.time.isoformat()}
    return _procedure(client, told, facts.referral_id, told_as, fields.write(fields.dumped(facts), without=IN_OUTCOME))


def need(client: ClientKey, told: Told, facts: NeedAssessed) -> Json:
    """What the person needs in one dimension."""
    category = told.category or Category.IDENTITY
    found: Json = {
        "resourceType": "Observation",
        "id": told.message_id,
        "meta": profile("ObservationAssessment"),
        "status": "final",
        "category": [guide_concept("sdoh", system=US_CORE_CATEGORY), {"coding": category_codings(category)}],
        "code": concept("dimension", facts.dimension or category.value),
        "subject": references.patient(client),
        "effectiveDateTime": told.time.isoformat(),
        "performer": [references.unit(told.author)],
    }
    if facts.level is not None:
        found["valueCodeableConcept"] = concept("level", facts.level)
    if facts.instrument is not None:
        found["method"] = concept("instrument", facts.instrument)
    if isinstance(told.content, NeedContent) and told.content.finding is not None:
        found["note"] = [{"text": told.content.finding}]
    return found


def _procedure(client: ClientKey, told: Told, referral: object, told_as: Json, extension: list[Json]) -> Json:
    found: Json = {
        "resourceType": "Procedure",
        "id": told.message_id,
        "meta": profile("Procedure"),
        "status": "completed",
        "category": {
            "coding": [
                {"system": SNOMED, "code": "410606002", "display": "Social service procedure"},
                *category_codings(told.category or Category.IDENTITY),
            ]
        },
        **told_as,
        "subject": references.patient(client),
        "performer": [{"actor": references.unit(told.author)}],
    }
    if referral is not None:
        found["basedOn"] = [{"reference": f"ServiceRequest/{referral}"}]
    content = fields.write(fields.dumped(told.content), content=True)
    if extension or content:
        found["extension"] = [*extension, *content]
    return found
