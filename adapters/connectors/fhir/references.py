"""How the resources that we write point at each other.

Invariants: an id is a UUID of the exchange, a unit's name, or (of the client) the unit's own case number, as far as FHIR's ids can hold it; else a
hash of it, with the case number as identifier.
"""

import re
from hashlib import sha256
from typing import Final

from adapters.connectors.fhir.systems import CASE_NUMBER, CLASS, UNIT, Json
from adapters.drafts import ClientKey
from contracts.names import ReferralId, UnitId

_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")


def patient_id(client: ClientKey) -> str:
    """The id of the client's Patient."""
    return client if _ID.fullmatch(client) else f"c-{sha256(client.encode(errors='replace')).hexdigest()[:40]}"


def patient(client: ClientKey) -> Json:
    """A reference to the client."""
    return {"reference": f"Patient/{patient_id(client)}"}


def unit(name: UnitId) -> Json:
    """A reference to a unit."""
    return {"reference": f"Organization/{name}", "identifier": {"system": UNIT, "value": name}}


def recipient(name: str) -> Json:
    """A reference to a recipient of a grant: a unit, or a class of units, which is no resource."""
    kind, _, value = name.partition(":")
    return unit(UnitId(value)) if kind == "unit" else {"identifier": {"system": CLASS, "value": value}}


def request(referral: ReferralId) -> Json:
    """A reference to what a referral asks for."""
    return {"reference": f"ServiceRequest/{referral}"}


def task(referral: ReferralId) -> Json:
    """A reference to the referral itself."""
    return {"reference": f"Task/{referral}"}


def case_number(client: ClientKey) -> Json:
    """The identifier that the unit's own case number is."""
    return {"system": CASE_NUMBER, "value": client}
