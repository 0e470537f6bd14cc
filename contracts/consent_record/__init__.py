"""The consent record and receipt of ISO/IEC TS 27560:2023, written in the terms of the Data Privacy Vocabulary (DPV) 2.3.

Everyone may import it; it imports `contracts` alone. `record` holds the models, `from_grants` builds one from what a
client agreed to, `jsonld` exports it. Beside them: `context.jsonld` (DPV ships none), `shapes.ttl` (SHACL) and
`vocabulary.ttl` (the few terms that DPV lacks). Decision record 0002 says why.
"""

from contracts.consent_record.from_grants import Granted, from_grants
from contracts.consent_record.jsonld import to_jsonld
from contracts.consent_record.legal_basis import LegalBasis, Right
from contracts.consent_record.receipt import ConsentReceipt
from contracts.consent_record.record import ConsentRecord, Heading, Notice, Process, StatusEvent, Storage
from contracts.consent_record.states import SHARING_ALLOWED, ConsentState

__all__ = [
    "SHARING_ALLOWED",
    "ConsentReceipt",
    "ConsentRecord",
    "ConsentState",
    "Granted",
    "Heading",
    "LegalBasis",
    "Notice",
    "Process",
    "Right",
    "StatusEvent",
    "Storage",
    "from_grants",
    "to_jsonld",
]
