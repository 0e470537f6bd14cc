"""record.accessed: a read, or an attempt, as the reader's adapter reports it."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.categories import Category, Purpose
from contracts.facts import Facts
from contracts.names import Actor, Code, Ground, Id, Unit


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
    ground_id: Ground | None = None
    feed_sequence: Annotated[int, Field(ge=0)] = 0
    """The last number of the feed that the reader's adapter had seen."""
