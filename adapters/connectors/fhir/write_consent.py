"""Consents as FHIR Consent, one for each recipient, with what holds now: extended and narrowed grants applied, withdrawn ones inactive.

Invariants: each grant is one nested provision; a consent that was taken back says so and names no moment that is not known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from adapters.connectors.fhir import fields, references
from adapters.connectors.fhir.systems import CONSENT_ID, Json, coding, guide_concept, profile
from adapters.connectors.fhir.told import Told
from adapters.drafts import ClientKey
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentExtended, ConsentGiven, ConsentNarrowed, ConsentWithdrawn
from contracts.messages.hub import ConsentExpired
from contracts.names import GroundId

IN_CONSENT: Final = ("consent_id", "grants", "recipient")
LISTS: Final = ("paper",)
TAKEN_BACK: Final = "taken-back"
"""The extension with the moment of the withdrawal."""
SOURCE_ROLE: Final = "CST"
RECIPIENT_ROLE: Final = "IRCP"
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_GDPR: Final = "https://w3id.org/dpv/legal/eu/gdpr#"
PURPOSES: Final = "https://spojka.eu/fhir/purpose"


@dataclass(frozen=True, slots=True)
class _Holding:
    """A consent for one recipient, as it holds now."""

    told: Told
    given: ConsentGiven
    grants: tuple[Grant, ...]
    taken_back: str | None = None
    ended: bool = False


def resources(client: ClientKey, entries: Iterable[Told]) -> list[Json]:
    """A Consent for each consent and recipient."""
    return [_consent(client, one) for one in _holding(entries).values()]


def _holding(entries: Iterable[Told]) -> Mapping[tuple[GroundId, str], _Holding]:
    found: dict[tuple[GroundId, str], _Holding] = {}
    for told in entries:
        match told.facts:
            case ConsentGiven() as facts:
                found[facts.consent_id, facts.recipient] = _Holding(told, facts, facts.grants)
            case ConsentExtended() | ConsentNarrowed() as facts if (facts.consent_id, facts.recipient) in found:
                known = found[facts.consent_id, facts.recipient]
                before = known.grants if isinstance(facts, ConsentExtended) else ()
                found[facts.consent_id, facts.recipient] = replace(known, grants=(*before, *facts.grants))
            case ConsentWithdrawn() | ConsentExpired() as facts:
                moment = told.time.isoformat() if isinstance(facts, ConsentWithdrawn) else None
                for key, known in found.items():
                    if key[0] == facts.consent_id:
                        found[key] = replace(known, taken_back=moment, ended=True)
            case _:
                pass
    return found


def _consent(client: ClientKey, holding: _Holding) -> Json:
    given, told = holding.given, holding.told
    basis = "A6-1-a-explicit-consent" if given.explicit else "A6-1-a"
    return {
        "resourceType": "Consent",
        "id": told.message_id,
        "meta": profile("Consent"),
        "extension": [
            *fields.write(fields.dumped(given), without=IN_CONSENT),
            *fields.write({TAKEN_BACK: holding.taken_back} if holding.taken_back else {}),
            *fields.write(fields.dumped(told.content), content=True),
        ],
        "identifier": [{"system": CONSENT_ID, "value": given.consent_id}],
        "status": "inactive" if holding.ended or not holding.grants else "active",
        "scope": guide_concept("patient-privacy", system=_SCOPE),
        "category": [guide_concept("IDSCL", system=_ACT)],
        "patient": references.patient(client),
        "dateTime": told.time.isoformat(),
        "organization": [references.unit(told.author)],
        "sourceAttachment": {"contentType": "text/plain", "title": given.notice_version},
        "policyRule": {"coding": [{"system": _GDPR, "code": basis}]},
        "provision": {
            "type": "permit",
            "actor": [_actor(RECIPIENT_ROLE, given.recipient)],
            "provision": [_provision(one) for one in holding.grants] or [_nothing(given.grants)],
        },
    }


def _provision(grant: Grant) -> Json:
    found: Json = {
        "type": "permit",
        "period": {"end": grant.until.isoformat()},
        "actor": [_actor(SOURCE_ROLE, to_unit(source)) for source in grant.sources],
        "purpose": [{"system": PURPOSES, "code": grant.purpose.value}],
        "code": [{"coding": [coding("category", one.value)]} for one in grant.categories],
    }
    if grant.history_from is not None:
        found["dataPeriod"] = {"start": grant.history_from.isoformat()}
    return found


def _nothing(grants: Sequence[Grant]) -> Json:
    """All was taken away: what was once given, as denied."""
    return _provision(grants[0]) | {"type": "deny"}


def _actor(role: str, recipient: str) -> Json:
    return {"role": guide_concept(role, system=_ROLES), "reference": references.recipient(recipient)}
