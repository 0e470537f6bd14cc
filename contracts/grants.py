"""A grant: who may give what to whom, for what, from when, until when (DESIGN section 7).

Invariants: one grant names one recipient, a unit or a class of units; purposes of a consent are `support` and `statistics`; `conduct` is in no grant.
"""

from typing import Annotated, Final, NewType

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.categories import Category, Purpose
from contracts.civil_time import Instant
from contracts.names import Unit, UnitId

Recipient = NewType("Recipient", str)
"""`unit:<unit>` or `class:<role>`, where a class is a role of the trust list (`class:training-provider`)."""

RecipientName = Annotated[Recipient, StringConstraints(pattern=r"^(unit|class):[a-z0-9-]{1,40}$")]

MAX_GRANTS: Final = 50


def to_unit(unit: UnitId) -> Recipient:
    """The recipient that is one unit."""
    return Recipient(f"unit:{unit}")


def to_class(role: str) -> Recipient:
    """The recipient that is every unit of a role."""
    return Recipient(f"class:{role}")


class Grant(BaseModel):
    """Sources × recipient × purpose × categories × history_from × until."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    sources: Annotated[
        tuple[Unit, ...], Field(min_length=1, max_length=MAX_GRANTS, json_schema_extra={"uniqueItems": True})
    ]
    recipient: RecipientName
    purpose: Purpose = Purpose.SUPPORT
    categories: Annotated[
        tuple[Category, ...],
        Field(
            min_length=1,
            json_schema_extra={"uniqueItems": True, "not": {"contains": {"const": Category.CONDUCT.value}}},
        ),
    ]
    history_from: Instant | None = None
    """Entries whose `time` is earlier stay shut; absent: from the moment the grant was recorded."""
    until: Instant
    """The grant has ended at this instant."""

    @model_validator(mode="after")
    def _closed(self) -> "Grant":
        if Category.CONDUCT in self.categories:
            raise ValueError("conduct is in no consent package: leave it out of the categories")
        if len(set(self.sources)) < len(self.sources) or len(set(self.categories)) < len(self.categories):
            raise ValueError("a source or category is named twice: name each once")
        return self


Grants = Annotated[tuple[Grant, ...], Field(min_length=1, max_length=MAX_GRANTS)]
