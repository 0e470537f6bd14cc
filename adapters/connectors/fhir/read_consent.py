"""FHIR Consent to consent.given and, where it was taken back, consent.withdrawn.

Invariant: what a consent does not say (to whom, what, until when, on which paper) is never filled in: it is refused with the element that is
missing.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from adapters.connectors.fhir import fields
from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.reading import Context, built, draft, taken_back, to_tell
from adapters.connectors.fhir.resources import Resource
from adapters.connectors.fhir.systems import CLASS, CONSENT_ID, Json, system_of
from adapters.connectors.fhir.write_consent import LISTS, PURPOSES, RECIPIENT_ROLE, SOURCE_ROLE, TAKEN_BACK
from adapters.connectors.refusal import RefusalReason
from adapters.connectors.source_drafting import Made
from contracts.messages.consent import ConsentContent, ConsentGiven, ConsentWithdrawn

_GIVEN: Final = "active"
_TAKEN: Final = "inactive"
_IN_ERROR: Final = "entered-in-error"
_PLACES: Final = {"grants": "provision.provision", "recipient": "provision.actor"}


def consent(context: Context, resource: Resource) -> Iterator[Made]:
    """What the client agreed to. Raises `CellError`."""
    element = resource.element
    client = context.resources.client(element, "patient")
    for one in element.children("organization"):
        if not to_tell(context, resource, one, "organization"):
            return
    status = element.need_text("status")
    time = element.moment("dateTime", context.zone)
    if time is None:
        raise element.missing("dateTime")
    context.past(element, "dateTime", time)
    if status == _IN_ERROR:
        yield taken_back(resource, client, None, time)
        return
    if status not in {_GIVEN, _TAKEN}:
        raise element.fault(RefusalReason.NO_COUNTERPART, "status", status, "not decided by the client yet")
    values = fields.read(element, lists=LISTS)
    taken = values.pop(TAKEN_BACK, None)
    root = element.need("provision")
    recipient = _recipient(context, root)
    identified = (one.text("value") for one in element.children("identifier") if one.text("system") == CONSENT_ID)
    told = values | {
        "consent_id": next(identified, None) or context.reference("fhir-consent", resource.name),
        "recipient": recipient,
        "grants": [_grant(context, one, recipient) for one in root.children("provision")],
    }
    if not told["grants"]:
        raise root.missing("provision")
    facts = built(ConsentGiven, told, element, _PLACES)
    content = built(ConsentContent, fields.read(element, content=True), element, {})
    yield draft(context, resource, client, facts, time=time, category=None, content=content)
    if status == _TAKEN:
        moment = _taken_back(context, resource, taken)
        withdrawn = ConsentWithdrawn(consent_id=facts.consent_id)
        yield draft(context, resource, client, withdrawn, time=max(moment, time), category=None, part="withdrawn")


def _taken_back(context: Context, resource: Resource, taken: object) -> datetime:
    if isinstance(taken, str):
        moment = Element({"value": taken}, f"{resource.element.path}.extension").moment("value", context.zone)
    else:
        moment = resource.updated(context.zone)
    if moment is None:
        raise resource.element.fault(RefusalReason.MISSING, "meta.lastUpdated", detail="when it was taken back")
    return context.past(resource.element, "meta.lastUpdated", moment)


def _recipient(context: Context, provision: Element) -> str:
    for actor in provision.children("actor"):
        if any(one.code == RECIPIENT_ROLE for one in actor.codings("role")):
            reference = actor.need("reference")
            unit = context.resources.unit(reference)
            identifier = reference.child("identifier")
            if unit is not None:
                return f"unit:{unit}"
            if identifier is not None and identifier.text("system") == CLASS:
                return f"class:{identifier.need_text('value')}"
            raise actor.fault(
                RefusalReason.NO_COUNTERPART, "reference", reference.text("reference") or "", "no unit here"
            )
    raise provision.missing("actor")


def _grant(context: Context, provision: Element, recipient: str) -> Json:
    kind = provision.need_text("type")
    if kind != "permit":
        raise provision.fault(RefusalReason.NO_COUNTERPART, "type", kind, "what is not granted is not shared anyway")
    end = provision.need("period").moment("end", context.zone)
    if end is None:
        raise provision.missing("period.end")
    data = provision.child("dataPeriod")
    since = None if data is None else data.moment("start", context.zone)
    sources = [context.resources.unit(actor.child("reference")) for actor in _sources(provision)]
    if not sources or any(one is None for one in sources):
        raise provision.fault(RefusalReason.NO_COUNTERPART if sources else RefusalReason.MISSING, "actor")
    found: Json = {
        "sources": sources,
        "recipient": recipient,
        "categories": [_category(one) for one in provision.children("code")],
        "until": end.isoformat(),
    }
    purposes = [one for one in provision.children("purpose") if one.text("system") == PURPOSES]
    if purposes:
        found["purpose"] = purposes[0].need_text("code")
    return found if since is None else found | {"history_from": since.isoformat()}


def _sources(provision: Element) -> list[Element]:
    return [one for one in provision.children("actor") if any(c.code == SOURCE_ROLE for c in one.codings("role"))]


def _category(code: Element) -> str:
    codings = code.children("coding")
    for one in codings:
        if one.text("system") == system_of("category"):
            return one.need_text("code")
    shown = codings[0].text("code") or "" if codings else ""
    raise code.fault(RefusalReason.UNKNOWN_CODE, "coding", shown, "not in the list category")
