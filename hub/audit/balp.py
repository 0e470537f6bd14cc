"""Accesses as FHIR R4 AuditEvents, in the pattern of IHE BALP "patient read" for reads that happened.

Invariants: one resource for each entry that was read, since the pattern names one object; a refused attempt has outcome 4 and claims no pattern,
as FHIR has it for denied access. Clients are named by the wire subject, readers by role and pseudonym.
"""

from collections.abc import Iterator
from typing import Any, Final

from contracts.names import HUB, MessageId
from hub.audit.accesses import Access

PATIENT_READ: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"
_TERMS: Final = "http://terminology.hl7.org/CodeSystem"
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_OURS: Final = "https://spojka.eu/fhir"
_SUCCESS: Final = "0"
_MINOR_FAILURE: Final = "4"
_URI: Final = "5"

Resource = dict[str, Any]


def audit_events(access: Access) -> Iterator[Resource]:
    """The resources of one access: one an entry, or one for what was looked at as a whole."""
    for number, entry in enumerate(access.entries or (None,), start=1):
        yield _event(access, entry, name=f"{access.message_id}-{number}")


def _event(access: Access, entry: MessageId | None, *, name: str) -> Resource:
    event: Resource = {
        "resourceType": "AuditEvent",
        "id": name,
        "type": _coding(f"{_TERMS}/audit-event-type", "rest", "Restful Operation"),
        "subtype": [_coding("http://hl7.org/fhir/restful-interaction", "read", "read")],
        "action": "R",
        "period": {"start": access.at.isoformat(), "end": access.at.isoformat()},
        "recorded": access.recorded.isoformat(),
        "outcome": _MINOR_FAILURE if access.refused else _SUCCESS,
        "purposeOfEvent": [_purpose(access)],
        "agent": [_machine(access.unit, "110152", "Destination Role ID"), _machine(HUB, "110153", "Source Role ID")],
        "source": {"observer": _named("unit", access.reporter)},
        "entity": [_read(access, entry), _patient(access)],
    }
    event["agent"].append(_reader(access))
    if not access.refused:
        event["meta"] = {"profile": [PATIENT_READ]}
    if access.reason is not None:
        event["outcomeDesc"] = access.reason
    return event


def _machine(unit: str, role: str, display: str) -> Resource:
    return {
        "type": {"coding": [_coding(_DICOM, role, display)]},
        "who": _named("unit", unit),
        "requestor": False,
        "network": {"address": f"{_OURS}/unit/{unit}", "type": _URI},
    }


def _reader(access: Access) -> Resource:
    role = access.reader.split("/", 1)[0]
    found: Resource = {
        "type": {"coding": [_coding(f"{_TERMS}/v3-ParticipationType", "IRCP", "information recipient")]},
        "who": _named("reader", access.reader),
        "requestor": True,
        "role": [{"coding": [_coding(f"{_OURS}/role", role, role)]}],
        "purposeOfUse": [_purpose(access)],
    }
    if access.ground_id is not None:
        found["policy"] = [f"urn:uuid:{access.ground_id}"]
    return found


def _read(access: Access, entry: MessageId | None) -> Resource:
    what: Resource = {"display": "the units' entries of these categories"} if entry is None else _named("entry", entry)
    detail = [{"type": "category", "valueString": category} for category in access.categories]
    found: Resource = {
        "what": what,
        "type": _coding(f"{_TERMS}/audit-entity-type", "2", "System Object"),
        "role": _coding(f"{_TERMS}/object-role", "4", "Domain Resource"),
    }
    return found | ({"detail": detail} if detail else {})


def _patient(access: Access) -> Resource:
    return {
        "what": {"type": "Patient", **_named("subject", access.subject)},
        "type": _coding(f"{_TERMS}/audit-entity-type", "1", "Person"),
        "role": _coding(f"{_TERMS}/object-role", "1", "Patient"),
    }


def _purpose(access: Access) -> Resource:
    kind, code = ("purpose", access.purpose) if access.purpose is not None else ("audit-purpose", access.audit or "")
    return {"coding": [_coding(f"{_OURS}/{kind}", code, code)]}


def _named(kind: str, value: str) -> Resource:
    return {"identifier": {"system": f"{_OURS}/{kind}", "value": value}}


def _coding(system: str, code: str, display: str) -> Resource:
    return {"system": system, "code": code, "display": display}
