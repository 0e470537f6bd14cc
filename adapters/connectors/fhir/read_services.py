"""Procedure to service or outcome; Condition and Observation to need.

Invariants: only what was done is a service, only what is asserted now is a need; answers of a questionnaire and personal characteristics (race,
gender …) are not needs and are refused; a foreign code of a need is kept as words, since needs are coded by dimension.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from adapters.connectors.fhir import fields
from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.reading import Context, built, category_of, draft, need_coded, taken_back, to_tell
from adapters.connectors.fhir.resources import Resource
from adapters.connectors.fhir.systems import (
    GUIDE_CODES,
    OBSERVATION_CATEGORY,
    Json,
    service_code,
    system_of,
)
from adapters.connectors.fhir.write_services import TIME
from adapters.connectors.refusal import RefusalReason
from adapters.connectors.source_drafting import Made
from contracts.categories import DIMENSIONS, Category
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.outcome import OutcomeContent, OutcomeRecorded
from contracts.messages.service import ServiceContent, ServiceDelivered
from contracts.names import ReferralId

Referrals = Mapping[str, ReferralId]
"""Referral ids by the name of what they ask for (`ServiceRequest/x`)."""
IN_ERROR: Final = "entered-in-error"
_VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_NOT_ASSERTED: Final = frozenset({"refuted"})
_PAST: Final = frozenset({"inactive", "remission", "resolved"})
_SEEN: Final = frozenset({"final", "amended", "corrected"})
_LONGEST_FINDING: Final = 20_000
_SERVICE_PLACES: Final = {"service": "code", "begun": "performedPeriod.start", "ended": "performedPeriod.end"}
_OUTCOME_PLACES: Final = {"outcome": "code"}


def procedure(context: Context, resource: Resource, referrals: Referrals) -> Made | None:
    """What was done, or what came of it. Raises `CellError`."""
    element = resource.element
    client = context.resources.client(element, "subject")
    for one in element.children("performer"):
        if not to_tell(context, resource, one.child("actor"), "performer"):
            return None
    category = category_of(element, "category")
    status = element.need_text("status")
    time, period = _performed(context, element)
    if status == IN_ERROR:
        return taken_back(resource, client, category, time)
    if status != "completed":
        raise element.fault(RefusalReason.NO_COUNTERPART, "status", status, "only what was done is told")
    values = fields.read(element) | {"referral_id": _referral(context, resource, referrals)}
    values.pop(TIME, None)
    content = fields.read(element, content=True)
    outcome = element.code_of("code", system_of("outcome-type"))
    if outcome is not None:
        facts: OutcomeRecorded | ServiceDelivered = built(
            OutcomeRecorded, values | {"outcome": outcome}, element, _OUTCOME_PLACES
        )
        sealed: OutcomeContent | ServiceContent = built(OutcomeContent, content, element, {})
    else:
        told = values | {"service": _service(element)} | period
        facts = built(ServiceDelivered, told, element, _SERVICE_PLACES)
        sealed = built(ServiceContent, content, element, {})
    return draft(context, resource, client, facts, time=time, category=category, content=sealed)


def _performed(context: Context, element: Element) -> tuple[datetime, Json]:
    period = element.child("performedPeriod")
    if period is None:
        moment = element.moment("performedDateTime", context.zone)
        if moment is None:
            raise element.missing("performedDateTime")
        told = element.need_text("performedDateTime")
        days = {} if "T" in told else {"begun": told}
        return context.past(element, "performedDateTime", moment), days
    days = {
        name: day.isoformat()
        for name, day in (("begun", period.day("start")), ("ended", period.day("end")))
        if day is not None
    }
    own = next((one for one in element.children("extension") if one.text("url") == _TIME_URL), None)
    moment = own.moment("valueString", context.zone) if own is not None else None
    moment = moment or period.moment("start", context.zone) or period.moment("end", context.zone)
    if moment is None:
        raise period.missing("start")
    return context.past(period, "start", moment), days


_TIME_URL: Final = fields.write({TIME: ""})[0]["url"]


def _service(element: Element) -> str | None:
    codings = element.codings("code")
    known = [found for one in codings if (found := service_code(one.system, one.code)) is not None]
    if known:
        return known[0]
    if codings:
        raise element.fault(RefusalReason.UNKNOWN_CODE, "code", codings[0].shown, "an unknown code system")
    raise element.missing("code.coding")


def _referral(context: Context, resource: Resource, referrals: Referrals) -> ReferralId | None:
    """The referral under which it was done, where it is told; one that is not here is reported and left out."""
    for reference in resource.element.children("basedOn"):
        named = reference.text("reference") or ""
        context.resources.find(reference)
        found = referrals.get(named)
        if found is not None:
            return found
        context.refuse(
            resource, reference.fault(RefusalReason.NO_SUCH_ROW, "reference", named, "no referral for it here")
        )
    return None


def condition(context: Context, resource: Resource) -> Made:
    """A need, as a health concern or problem states it. Raises `CellError`."""
    element = resource.element
    client = context.resources.client(element, "subject")
    category = _dimension(element)
    time = _since(context, element)
    verified = element.code_of("verificationStatus", _VERIFICATION)
    if verified == IN_ERROR:
        return taken_back(resource, client, category, time)
    standing = element.code_of("clinicalStatus", _CLINICAL)
    if verified in _NOT_ASSERTED or standing in _PAST:
        name = "verificationStatus" if verified in _NOT_ASSERTED else "clinicalStatus"
        raise element.fault(
            RefusalReason.NO_COUNTERPART, name, verified if verified in _NOT_ASSERTED else standing or ""
        )
    facts = NeedAssessed(dimension=category.value)
    content = NeedContent(finding=_finding(element))
    return draft(context, resource, client, facts, time=time, category=category, content=content)


def _since(context: Context, element: Element) -> datetime:
    period = element.child("onsetPeriod")
    moments = (
        element.moment("recordedDate", context.zone),
        element.moment("onsetDateTime", context.zone),
        None if period is None else period.moment("start", context.zone),
    )
    found = next((one for one in moments if one is not None), None)
    if found is None:
        raise element.missing("recordedDate")
    return context.past(element, "recordedDate", found)


def observation(context: Context, resource: Resource) -> Made | None:
    """A need, as an assessment states it. Raises `CellError`."""
    element = resource.element
    _refuse_other_kinds(element)
    for one in element.children("performer"):
        if not to_tell(context, resource, one, "performer"):
            return None
    client = context.resources.client(element, "subject")
    category = _dimension(element)
    time = element.moment("effectiveDateTime", context.zone)
    if time is None:
        raise element.missing("effectiveDateTime")
    context.past(element, "effectiveDateTime", time)
    status = element.need_text("status")
    if status == IN_ERROR:
        return taken_back(resource, client, category, time)
    if status not in _SEEN:
        raise element.fault(RefusalReason.NO_COUNTERPART, "status", status, "only what was found is told")
    values = {
        "dimension": category.value,
        "level": _level(element),
        "instrument": element.code_of("method", system_of("instrument")),
    }
    facts = built(NeedAssessed, values, element, {"level": "valueCodeableConcept", "instrument": "method"})
    need_coded(facts, element, {})
    content = NeedContent(finding=_told(element))
    return draft(context, resource, client, facts, time=time, category=category, content=content)


def _refuse_other_kinds(element: Element) -> None:
    codings = element.codings("category")
    if any(one.system == GUIDE_CODES and one.code == "personal-characteristic" for one in codings):
        detail = "personal characteristics are not exchanged"
        raise element.fault(RefusalReason.NO_COUNTERPART, "category", "personal-characteristic", detail)
    if any(one.system == OBSERVATION_CATEGORY and one.code == "survey" for one in codings):
        detail = "an answer of a questionnaire is no need yet; the Condition or assessment drawn from it is"
        raise element.fault(RefusalReason.NO_COUNTERPART, "category", "survey", detail)


def _level(element: Element) -> str | None:
    if "valueCodeableConcept" in element:
        codings = element.codings("valueCodeableConcept")
        level = next((one.code for one in codings if one.system == system_of("level")), None)
        if level is None:
            shown = codings[0].shown if codings else ""
            raise element.fault(RefusalReason.UNKNOWN_CODE, "valueCodeableConcept", shown, "not in the list level")
        return level
    value = element.value.get("valueBoolean")
    if isinstance(value, bool):
        return None if value else "none"
    other = next((name for name in element.value if name.startswith("value")), None)
    if other is not None:
        raise element.fault(RefusalReason.NO_COUNTERPART, other, _scalar(element.value[other]), "a level or yes and no")
    return None


def _scalar(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return str(value) if isinstance(value, str | int | Decimal) else ""


def _dimension(element: Element) -> Category:
    category = category_of(element, "category")
    if category not in DIMENSIONS:
        raise element.fault(RefusalReason.NO_COUNTERPART, "category", category.value, "no dimension of support")
    return category


def _told(element: Element) -> str | None:
    """What a person wrote; else what foreign codes say."""
    notes = [note for one in element.children("note") if (note := one.text("text")) is not None]
    return "\n".join(notes)[:_LONGEST_FINDING] or _finding(element)


def _finding(element: Element) -> str | None:
    """Foreign codes as words: `Food insecurity (http://snomed.info/sct|733423003)`; a concept's text where it has no code."""
    codings = element.codings("code")
    told = "; ".join(f"{one.display} ({one.shown})".strip() for one in codings if one.system != system_of("dimension"))
    concept = element.child("code")
    if told or codings or concept is None:
        return told[:_LONGEST_FINDING] or None
    return concept.text("text")
