"""A client's entries as a FHIR Bundle: what this unit may show, and nothing else.

Invariants: pure; each resource stands in it once; the client and every unit that is named are in it; entries that have no counterpart are counted by
type, so that whoever exports sees what the file does not hold.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.connectors.fhir import references, write_consent, write_referral, write_services
from adapters.connectors.fhir.systems import OURS, UNIT, Json
from adapters.connectors.fhir.told import Case, Told
from contracts.catalogue import spec_of
from contracts.facts import Facts
from contracts.messages import consent as consents
from contracts.messages.client import ClientContent, ClientEnrolled
from contracts.messages.hub import ConsentExpired
from contracts.messages.need import NeedAssessed
from contracts.messages.outcome import OutcomeRecorded
from contracts.messages.referral import STATUS_MESSAGES, ReferralFacts
from contracts.messages.service import ServiceDelivered
from contracts.names import MessageId, ReferralId, UnitId

_EXPORTED: Final[frozenset[type[Facts]]] = frozenset(
    {
        *STATUS_MESSAGES.values(),
        ClientEnrolled,
        NeedAssessed,
        ServiceDelivered,
        OutcomeRecorded,
        ConsentExpired,
        consents.ConsentGiven,
        consents.ConsentExtended,
        consents.ConsentNarrowed,
        consents.ConsentWithdrawn,
    }
)


@dataclass(frozen=True, slots=True)
class Exported:
    """The Bundle, and how many entries of which type are not in it."""

    bundle: Json
    left_out: Counter[str]


def export(case: Case, *, at: datetime) -> Exported:
    """The Bundle of a client's entries."""
    left_out = Counter(spec_of(one.facts).name for one in case.entries if type(one.facts) not in _EXPORTED)
    described = [_patient(case), *_activities(case), *write_consent.resources(case.client, case.entries)]
    units = sorted({unit for one in described for unit in _named_units(one)})
    resources = [*(_organization(case, unit) for unit in units), *described]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": at.isoformat(),
        "entry": [{"fullUrl": f"{OURS}/{one['resourceType']}/{one['id']}", "resource": one} for one in resources],
    }
    return Exported(bundle, left_out)


def _activities(case: Case) -> Iterator[Json]:
    under: dict[ReferralId, list[MessageId]] = defaultdict(list)
    for one in case.entries:
        if isinstance(one.facts, ServiceDelivered | OutcomeRecorded) and one.facts.referral_id is not None:
            under[one.facts.referral_id].append(one.message_id)
    for name, told in _by_referral(case.entries).items():
        referral = write_referral.fold(case.client, told)
        if referral is not None:
            yield from write_referral.resources(referral, under[name])
    for one in case.entries:
        if (found := _activity(case, one)) is not None:
            yield found


def _by_referral(entries: Iterable[Told]) -> Mapping[ReferralId, list[Told]]:
    found: dict[ReferralId, list[Told]] = defaultdict(list)
    for one in entries:
        if isinstance(one.facts, ReferralFacts):
            found[one.facts.referral_id].append(one)
    return found


def _activity(case: Case, told: Told) -> Json | None:
    match told.facts:
        case ServiceDelivered() as service:
            return write_services.service(case.client, told, service)
        case OutcomeRecorded() as outcome:
            return write_services.outcome(case.client, told, outcome)
        case NeedAssessed() as need:
            return write_services.need(case.client, told, need)
        case _:
            return None


def _patient(case: Case) -> Json:
    found: Json = {
        "resourceType": "Patient",
        "id": references.patient_id(case.client),
        "identifier": [references.case_number(case.client)],
    }
    enrolled = next((one.content for one in reversed(case.entries) if isinstance(one.facts, ClientEnrolled)), None)
    if isinstance(enrolled, ClientContent):
        name = {
            key: value
            for key, value in (
                ("family", enrolled.family_name),
                ("given", [enrolled.given_name] if enrolled.given_name else None),
            )
            if value
        }
        if name:
            found["name"] = [name]
        if enrolled.birth_year is not None:
            found["birthDate"] = str(enrolled.birth_year)
    return found


def _organization(case: Case, unit: UnitId) -> Json:
    return {
        "resourceType": "Organization",
        "id": unit,
        "identifier": [{"system": UNIT, "value": unit}],
        "active": True,
        "name": case.units.get(unit, unit),
    }


def _named_units(part: object) -> Iterator[UnitId]:
    """Every unit that a resource refers to."""
    if isinstance(part, dict):
        if part.get("system") == UNIT:
            yield UnitId(part["value"])
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from _named_units(one)
