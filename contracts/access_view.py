"""Who got at a client's data, as the client reads it: in the shape of the Estonian data tracker (STANDARDS, access record).

Invariants: one line a read, a refused attempt, or an entry that was given; of a worker it names the role and the unit, never the person (a client is
not owed the names of those who act for a controller: CJEU C-579/21); what the law hides for a time is not in it, and nothing says that it is not.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.categories import Category, Purpose
from contracts.civil_time import Instant
from contracts.names import Code, Ground, Id, Programme, Referral, ShortText, Slug, Subject, Unit


class AccessLine(BaseModel):
    """One line."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    logtime: Instant
    """When it happened."""
    action: Literal["R", "E"]
    """By the codes of FHIR AuditEvent.action: read, or (E) given to somebody."""
    outcome: Literal["read", "refused", "decided", "delivered", "withheld"]
    receiver_code: Unit
    receiver_name: ShortText | None = None
    institution: ShortText | None = None
    role: Slug | None = None
    """Of the worker who read."""
    system: Unit
    """Whose system says so; `hub` for what the hub gave."""
    source: Unit | None = None
    """Whose entry was given."""
    purpose: Purpose | None = None
    categories: tuple[Category, ...] = ()
    entries: tuple[Id, ...] = ()
    referral: Referral | None = None
    ground: Ground | None = None
    reason: Code | None = None
    """Why an attempt was refused."""
    audit: Code | None = None
    """What an auditor looked for (code list `audit-purpose`); then there is no other purpose."""
    emergency: Code | None = None
    """Opened in an emergency although the unit's rules hid it, and why (code list `emergency-reason`)."""
    judged: Literal["justified", "not-justified"] | None = None
    """What the second person said of that; then this line is theirs."""


class AccessView(BaseModel):
    """All lines that one side knows of, the oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    document: Literal["urn:spojka:schema:access-view.v1"] = "urn:spojka:schema:access-view.v1"
    programme: Programme
    subject: Subject
    said_by: Unit
    """`hub`: everything that was reported to the programme; a unit: what it knows itself."""
    made_at: Instant
    lines: Annotated[tuple[AccessLine, ...], Field(max_length=100_000)]
