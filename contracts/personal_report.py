"""What one unit hands to a client about the client: a report on everything (GDPR Art. 15), and a portable copy of what it recorded (Art. 20).

Invariants: it holds no more than the unit could read when it was made; of another unit's entry it says that it is there, whose, of what kind and
under which reason, while its content comes from its author; of an own entry it holds what a worker has reviewed, third persons blacked out. Both name
what they do not hold and who knows.
"""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.access_view import AccessView
from contracts.categories import Category, Purpose
from contracts.civil_time import Instant
from contracts.code_lists.lists import Language
from contracts.grants import RecipientName
from contracts.names import Code, Ground, Id, Institution, Programme, ShortText, Slug, Subject, Unit

BLACKED: Final = "[…]"
"""Stands where a third person was named."""

MessageTypeName = Annotated[str, Field(pattern=r"^eu\.spojka\.[a-z.-]+\.v[0-9]+$")]


class NotInIt(StrEnum):
    """What a report does not hold, and why."""

    READS_ELSEWHERE = "reads-elsewhere"
    """Who read at other units: they report it to the hub, whose operator has it."""
    OTHER_ENTRIES = "other-entries"
    """Entries of other units that no reason to share opens to this one: their authors have them."""
    OTHER_PURPOSES = "other-purposes"
    """Entries that were shared with this unit for another purpose than the report's."""
    OUT_OF_TOUCH = "out-of-touch"
    """Entries of others, while this unit is out of touch with the hub."""
    HIDDEN_BY_LAW = "hidden-by-law"
    """Looks that a law hides for a time. Always named, so that it tells nothing."""
    OF_OTHERS = "of-others"
    """In a portable copy: everything that another unit recorded."""
    WITHHELD = "withheld"
    """What would do harm to the rights of others."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Controller(_Part):
    """Who made it."""

    institution: Institution
    institution_name: ShortText
    unit: Unit
    unit_name: ShortText
    contact: ShortText | None = None
    """Of the data protection officer, or where to turn."""


class SharedWith(_Part):
    """A unit that may see an entry now."""

    unit: Unit
    name: ShortText | None = None
    ground: Ground


class ReportedEntry(_Part):
    """One entry as it holds now, corrections applied."""

    id: Id
    time: Instant
    author: Unit
    author_name: ShortText | None = None
    type: MessageTypeName | None = None
    category: Category | None = None
    purpose: Purpose | None = None
    standing: Annotated[str, Field(pattern=r"^(accepted|held|waiting|refused|given|erased)$")]
    """Of an own one `accepted` (shared), `held` (kept here), `waiting`, `refused`; `given` by another unit; `erased`."""
    ground: Ground | None = None
    """Under which it left or came."""
    may_see: tuple[SharedWith, ...] = ()
    """Of an own one: who may see it now."""
    part: Literal["whole", "blacked", "withheld", "ask-its-author", "nothing-left"]
    """What of the content is here."""
    facts: dict[str, Any] | None = None
    content: dict[str, Any] | None = None
    corrected: Annotated[int, Field(ge=0)] = 0


class ReportedOpening(_Part):
    """Who may see what of whose entries, for what, until when."""

    sources: tuple[Unit, ...]
    opened: tuple[Unit, ...]
    """Those of them whose entries are open by now."""
    recipient: RecipientName
    purpose: Purpose
    categories: tuple[Category, ...]
    history_from: Instant
    until: Instant


class ReportedGround(_Part):
    """A consent, or a reason by law."""

    ground: Ground
    collector: Unit
    statutory: bool
    paper: tuple[Code, ...] = ()
    basis: tuple[Code, ...] = ()
    ended_at: Instant | None = None
    openings: tuple[ReportedOpening, ...]


class Review(_Part):
    """That a worker went through what names third persons."""

    by_role: Slug
    at: Instant


class PersonalReport(_Part):
    """Everything that a unit holds about a client, with whom, why, who read it (GDPR Art. 15)."""

    document: Literal["urn:spojka:schema:personal-report.v1"] = "urn:spojka:schema:personal-report.v1"
    programme: Programme
    controller: Controller
    subject: Subject
    case_number: ShortText
    """The unit's own name for the client's file."""
    language: Language
    purpose: Purpose
    """What the entries of others in it were shared for."""
    made_at: Instant
    review: Review
    entries: tuple[ReportedEntry, ...]
    grounds: tuple[ReportedGround, ...]
    accesses: AccessView
    """As this unit knows them."""
    accesses_at_the_hub: AccessView | None = None
    """As the operator of the hub gave them for this report."""
    not_in_it: tuple[NotInIt, ...]
    complaints_to: ShortText


class PortableCopy(_Part):
    """What this unit recorded about a client, for another system (GDPR Art. 20)."""

    document: Literal["urn:spojka:schema:portable-copy.v1"] = "urn:spojka:schema:portable-copy.v1"
    programme: Programme
    controller: Controller
    subject: Subject
    case_number: ShortText
    made_at: Instant
    review: Review
    entries: tuple[ReportedEntry, ...]
    grounds: tuple[ReportedGround, ...]
    """The consents and other reasons that this unit recorded."""
    not_in_it: tuple[NotInIt, ...]
