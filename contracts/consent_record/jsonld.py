"""The JSON-LD export of a record or receipt: self-contained, since DPV ships no context and ours travels inside.

Invariants: pure (the context is package data, read once); every instant keeps its offset; both `dpv:hasIdentifier` and
`dct:identifier` are written, because DPV's guide to ISO/IEC TS 27560 uses one in its text and the other in its examples.
What it writes passes `shapes.ttl`.
"""

import json
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from contracts.consent_record.legal_basis import LegalBasis
from contracts.consent_record.receipt import ConsentReceipt
from contracts.consent_record.record import CLIENT, REPRESENTATIVE, ConsentRecord, Notice, Process, StatusEvent
from contracts.consent_record.states import SHARING_ALLOWED
from contracts.consent_record.vocabulary import PROCESSING, PURPOSES, personal_data
from contracts.names import ProgrammeId

Node = dict[str, Any]
"""A JSON-LD node object; members are IRIs, literals, nodes and lists of these."""

_SCHEMA: Final = "https://w3id.org/dpv/schema/dpv-27560"
_EXPLICIT: Final = frozenset({LegalBasis.EXPLICIT_CONSENT, LegalBasis.SPECIAL_EXPLICIT_CONSENT})


def to_jsonld(subject: ConsentRecord | ConsentReceipt) -> Node:
    """A JSON-LD document with its context."""
    node = _record(subject) if isinstance(subject, ConsentRecord) else _receipt(subject)
    return {"@context": context(), **node}


def context() -> Node:
    """The JSON-LD context of every export, a fresh copy."""
    found: Node = json.loads(_context_text())["@context"]
    return found


@cache
def _context_text() -> str:
    return (files("contracts.consent_record") / "context.jsonld").read_text(encoding="utf-8")


def _receipt(receipt: ConsentReceipt) -> Node:
    first = receipt.records[0]
    return {
        "@id": f"urn:uuid:{receipt.receipt_id}",
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": receipt.receipt_id,
        "dpv:hasIdentifier": receipt.receipt_id,
        "dct:conformsTo": f"{_SCHEMA}#receipt-eu-gdpr",
        "dct:created": receipt.created.isoformat(),
        "dct:publisher": _unit(first.programme, receipt.publisher),
        "schema:recipient": _client(first),
        "dpv:hasRecordOfActivity": [_record(record) for record in receipt.records],
    }


def _record(record: ConsentRecord) -> Node:
    iri = f"urn:uuid:{record.record_id}"
    explicit = any(_EXPLICIT & set(process.bases) for process in record.processes)
    return {
        "@id": iri,
        "@type": "dpv:ConsentRecord",
        "dct:identifier": record.record_id,
        "dpv:hasIdentifier": record.record_id,
        "dct:conformsTo": f"{_SCHEMA}#record-eu-gdpr",
        "dct:publisher": _unit(record.programme, record.collector),
        "dpv:hasDataSubject": {"@id": _client(record), "@type": "dpv:DataSubject"},
        "dpv:hasDataController": [_named(record.programme, "institution", one) for one in record.controllers],
        "dpv:hasJurisdiction": [f"loc:{code}" for code in record.jurisdictions],
        "dpv:hasNotice": _notice(record.notice, record.programme),
        "spojka:paper": [f"paper-kind:{kind}" for kind in record.paper],
        "dpv:hasRight": [f"eu-gdpr:{right}" for right in record.rights],
        "dpv:hasConsentControl": [
            {"@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": place} for place in record.withdrawn_at
        ],
        "dpv:hasProcess": [
            {"@id": f"{iri}#process-{number}", **_process(process, record.programme)}
            for number, process in enumerate(record.processes, start=1)
        ],
        "dpv:hasConsentStatus": [_status(event, record, explicit=explicit) for event in record.events],
    }


def _notice(notice: Notice, programme: ProgrammeId) -> Node:
    node = {
        "@id": _named(programme, "notice", f"{notice.version}:{notice.language}"),
        "@type": "dpv:ConsentNotice",
        "dct:language": notice.language,
        "schema:sha256": notice.sha256,
    }
    return node if notice.dated is None else {**node, "dct:date": notice.dated.isoformat()}


def _process(process: Process, programme: ProgrammeId) -> Node:
    node = {
        "@type": "dpv:Process",
        "dpv:hasPurpose": list(PURPOSES[process.purpose]),
        "dpv:hasLegalBasis": [f"eu-gdpr:{basis}" for basis in process.bases],
        "dpv:hasProcessing": list(PROCESSING),
        "dpv:hasNecessity": "dpv:Optional",
        "dpv:hasPersonalData": list(personal_data(process.categories)),
        "spojka:category": [f"category:{category}" for category in process.categories],
        "dpv:hasDataSource": [_unit(programme, source) for source in process.sources],
        "dpv:hasRecipient": [_recipient(programme, process.recipient)],
        "dpv:hasDuration": _until(process.until),
        "dpv:hasStorageCondition": _storage(process),
    }
    if process.history_from is None:
        return node
    return {**node, "spojka:historyFrom": process.history_from.isoformat()}


def _storage(process: Process) -> list[Node]:
    storage = process.storage
    return [
        {"@type": "dpv:StorageLocation", "dpv:hasLocation": [f"loc:{code}" for code in storage.locations]},
        {"@type": "dpv:StorageDuration", "dpv:hasDuration": storage.kept_for or _until(process.until)},
        {"@type": "dpv:StorageDeletion", "dpv:hasDuration": storage.erased_within},
    ]


def _status(event: StatusEvent, record: ConsentRecord, *, explicit: bool) -> Node:
    expressed = "dpv:ExplicitlyExpressedConsent" if explicit else "dpv:ExpressedConsent"
    state = f"dpv:{event.state}"
    node = {
        "@type": [state, expressed] if event.state in SHARING_ALLOWED else [state],
        "dpv:isIndicatedAtTime": event.at.isoformat(),
        "dpv:isIndicatedBy": _indicator(event.indicated_by, record),
        "dpv:hasDuration": {"@type": "dpv:IndeterminateDuration"} if event.until is None else _until(event.until),
    }
    return node if event.method is None else {**node, "dpv:hasIndicationMethod": event.method}


def _until(end: datetime) -> Node:
    return {"@type": "dpv:UntilTimeDuration", "rdf:value": end.isoformat()}


def _indicator(who: str, record: ConsentRecord) -> str:
    if who == CLIENT:
        return _client(record)
    if who == REPRESENTATIVE:
        return "dpv:GuardianOfDataSubject"
    return _unit(record.programme, who.removeprefix("unit:"))


def _client(record: ConsentRecord) -> str:
    return _named(record.programme, "client", record.subject)


def _recipient(programme: ProgrammeId, recipient: str) -> str:
    kind, _, name = recipient.partition(":")
    return _unit(programme, name) if kind == "unit" else _named(programme, "class", name)


def _unit(programme: ProgrammeId, unit: str) -> str:
    """The same IRI as the `source` of the unit's messages."""
    return f"urn:spojka:{programme}:{unit}"


def _named(programme: ProgrammeId, kind: str, name: str) -> str:
    """One part more than a unit's IRI has, so the two never meet."""
    return f"urn:spojka:{programme}:{kind}:{name}"
