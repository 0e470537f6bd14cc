"""The timeline of a subject at one unit: everything shared and recorded about one client, in the order in which it happened.

Invariants: one row a message; an erased entry leaves only who had shared it and until when; corrections are laid over what they correct when the
timeline is read, so it does not matter in which order both arrived; what does not open is shown raw with the reason.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Index, Integer, MetaData, Row, String, Table, Text, select

from contracts.catalogue import specs
from contracts.categories import Category, Purpose
from contracts.codes import RefusalCode
from contracts.facts import Facts
from contracts.names import ActorId, GroundId, MessageId, MessageType, ReferralId, SubjectId, UnitId
from projections.build import Build
from projections.column_types import Instant, Number
from projections.parsed import ParsedItem
from projections.positions import require_served
from projections.rows import upsert
from projections.source import JournalKind

METADATA: Final = MetaData()

ENTRY: Final = Table(
    "timeline_entry",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("subject", String(60), nullable=False),
    Column("time", Instant, nullable=False),
    Column("arrived", Number, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("state", String(20)),
    Column("author", String(40), nullable=False),
    Column("type", String(120)),
    Column("category", String(40)),
    Column("purpose", String(40)),
    Column("sequence", Integer),
    Column("actor", String(110)),
    Column("facts", Text),
    Column("content", Text),
    Column("fault", Text),
    Column("raw", Text),
    Column("ground_id", String(36)),
    Column("position", Number),
    Column("referral_id", String(36)),
    Column("corrects", String(36)),
    Column("refusal", String(60)),
    Column("shared_until", Instant),
    Index("timeline_entry_subject", "subject", "time", "arrived"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was published or recorded, before any correction."""

    message_id: MessageId
    subject: SubjectId
    time: datetime
    """When it happened; of an erased one, when it was erased."""
    arrived: int
    kind: JournalKind
    state: str | None
    author: UnitId
    type: MessageType | None
    category: Category | None
    purpose: Purpose | None
    sequence: int | None
    actor: ActorId | None
    facts: dict[str, Any] | None
    content: dict[str, Any] | None
    fault: str | None
    """Why it is shown raw; None where it opened."""
    raw: str | None
    ground_id: GroundId | None
    position: int | None
    referral_id: ReferralId | None
    corrects: MessageId | None
    refusal: RefusalCode | None
    shared_until: datetime | None
    """With an erased entry, of which nothing else is left."""


class Timeline:
    """The read model."""

    name: Final = "timeline"
    version: int = 1
    readable_from: int = 1
    metadata: Final = METADATA

    def apply(self, connection: Connection, items: Sequence[ParsedItem], tables: Build) -> None:
        """Keep the latest state of each message about a subject."""
        upsert(connection, tables[ENTRY], (_row(one) for one in items if one.item.subject is not None))


def entries(connection: Connection, subject: SubjectId, *, others_visible: bool) -> Sequence[Entry]:
    """All entries of a subject by `time`, then arrival; without `others_visible` (the lease has run out) the unit's own only.

    Raises `NotServedError`.
    """
    require_served(connection, Timeline.name, version=Timeline.version, readable_from=Timeline.readable_from)
    wanted = select(ENTRY).where(ENTRY.c.subject == subject).order_by(ENTRY.c.time, ENTRY.c.arrived)
    if not others_visible:
        wanted = wanted.where(ENTRY.c.kind.in_(("own", "refused")))
    return [_entry(row) for row in connection.execute(wanted)]


def _row(one: ParsedItem) -> dict[str, Any]:
    item, heading = one.item, one.heading
    erased = item.kind == "erased" or not item.payload
    happened = heading.time if heading is not None else item.recorded_at
    return {
        "message_id": item.message_id,
        "subject": item.subject,
        "time": (item.erased_at or item.recorded_at) if erased else happened,
        "arrived": item.arrived,
        "kind": "erased" if erased else item.kind,
        "state": None if erased else item.state,
        "author": item.author,
        "type": heading and heading.type,
        "category": heading and heading.category,
        "purpose": heading and heading.purpose,
        "sequence": heading and heading.sequence,
        "actor": heading and heading.actor,
        "facts": one.facts_json,
        "content": one.content_json,
        "fault": one.fault,
        "raw": one.raw,
        "ground_id": None if erased else item.ground_id,
        "position": None if erased else item.position,
        "referral_id": referral_of(one.facts),
        "corrects": heading and heading.corrects,
        "refusal": None if erased or item.refusal is None else item.refusal.value,
        "shared_until": item.erased_at if erased else None,
    }


_ABOUT_REFERRALS: Final = frozenset(spec.facts for spec in specs() if "referral_id" in spec.facts.model_fields)


def referral_of(facts: Facts | None) -> ReferralId | None:
    """The referral that a message is about, where its type names one."""
    return facts.referral_id if type(facts) in _ABOUT_REFERRALS else None  # type: ignore[union-attr] # by the set's making


def _entry(row: Row[Any]) -> Entry:
    columns = row._mapping  # noqa: SLF001 - the documented way to a row's names, in spite of its underscore
    return Entry(
        **{
            **columns,
            "facts": None if row.facts is None else json.loads(row.facts),
            "content": None if row.content is None else json.loads(row.content),
            "category": None if row.category is None else Category(row.category),
            "purpose": None if row.purpose is None else Purpose(row.purpose),
            "refusal": None if row.refusal is None else RefusalCode(row.refusal),
        }
    )
