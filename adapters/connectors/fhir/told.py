"""What an export starts from: a client's entries as this unit may show them, corrections applied.

Invariant: nothing comes in that the unit's own timeline would not show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.drafts import ClientKey
from contracts.categories import Category
from contracts.facts import Facts, SealedContent
from contracts.names import MessageId, UnitId


@dataclass(frozen=True, slots=True)
class Told:
    """One entry."""

    message_id: MessageId
    author: UnitId
    time: datetime
    category: Category | None
    facts: Facts
    content: SealedContent | None = None
    correlationid: MessageId | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A client's entries, in the order in which they happened; `units` are the names of the units by id."""

    client: ClientKey
    entries: tuple[Told, ...]
    units: Mapping[UnitId, str]
