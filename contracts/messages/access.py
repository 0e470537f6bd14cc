"""record.accessed: a read, or an attempt, as the reader's adapter reports it. record.audited: an auditor's, as the hub reports it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contracts.categories import Category, Purpose
from contracts.civil_time import Instant
from contracts.code_lists import CodeOf
from contracts.facts import Facts
from contracts.names import Actor, Code, Ground, Id, Unit


class Emergency(Facts):
    """That a worker opened what the unit holds although the lease or the purpose hides it (DESIGN section 7, break-glass)."""

    emergency_id: Id
    reason: Annotated[str, CodeOf("emergency-reason")]
    until: Instant
    """It shows nothing more from then on."""
    judged: Literal["justified", "not-justified"] | None = None
    """What the second person says of it, whose report this is then; absent: a look under it."""


class HiddenByLaw(Facts):
    """That the client may not be told of this look yet. Auditors see it at once."""

    basis: Annotated[str, CodeOf("disclosure-basis")]
    until: Instant


class RecordAccessed(Facts):
    """Who looked at what, for what; refused attempts too (STANDARDS, access record)."""

    reader: Actor
    reader_unit: Unit
    """The unit of the worker: another unit of the institution than the one that reports may have tried."""
    purpose_of_access: Purpose
    categories: tuple[Category, ...] = ()
    entries: Annotated[tuple[Id, ...], Field(max_length=500)] = ()
    outcome: Literal["read", "refused"]
    reason: Code | None = None
    """Why it was refused; of a look in an emergency, the emergency's reason."""
    ground_id: Ground | None = None
    feed_sequence: Annotated[int, Field(ge=0)] = 0
    """The last number of the feed that the reader's adapter had seen."""
    emergency: Emergency | None = None
    hidden: HiddenByLaw | None = None

    @model_validator(mode="after")
    def _for_support(self) -> Self:
        if self.emergency is not None and self.purpose_of_access is not Purpose.SUPPORT:
            raise ValueError("an emergency opens what is there for support, and for nothing else")
        if self.emergency is not None and self.reason != self.emergency.reason:
            raise ValueError("the reason of a look in an emergency is the emergency's")
        return self


class RecordAudited(Facts):
    """Which auditor looked at what the hub knows of a client, what for, and over which period. Said before anything is shown."""

    reader: Actor
    purpose_of_audit: Annotated[str, CodeOf("audit-purpose")]
    shown: Literal["path", "accesses", "duties"]
    """The whole path as of any time; who got at which entries; what had to be erased."""
    since: Instant | None = None
    """Absent: from the beginning."""
    until: Instant

    @model_validator(mode="after")
    def _period(self) -> Self:
        if self.since is not None and self.since > self.until:
            raise ValueError("since must not be later than until")
        return self
