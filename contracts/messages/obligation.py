"""obligation.answered: a recipient states what it did about a duty that the hub gave it."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.civil_time import Instant
from contracts.facts import Facts
from contracts.names import Code, Obligation, Sha256Hex


class ObligationAnswered(Facts):
    """Erased, kept under law, or restricted; checked against recorded deliveries."""

    obligation_id: Obligation
    statement: Literal["erased", "kept-under-law", "restricted"]
    basis: Code | None = None
    until: Instant | None = None
    entries: Annotated[int, Field(ge=0)]
    exports: Annotated[int, Field(ge=0)] = 0
    digest: Sha256Hex
    """SHA-256 over the sorted message ids concerned, one a line, exports included."""
