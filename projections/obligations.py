"""Obligations at the hub: which unit must erase what, what it stated, and what is overdue.

Invariants: an obligation is opened once and closed by a statement of the unit that has it; what it is at an instant follows from the rows and that
instant alone, so a late timer hides nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Column, Connection, Index, Integer, MetaData, Row, String, Table, Text, bindparam, select, update

from contracts.categories import Category
from contracts.messages.hub import ObligationOpened, ObligationOverdue
from contracts.messages.obligation import ObligationAnswered
from contracts.names import GroundId, ObligationId, SubjectId, UnitId
from projections.build import Build
from projections.column_types import Instant, Number
from projections.parsed import ParsedLogItem
from projections.positions import require_served
from projections.rows import batches, upsert

METADATA: Final = MetaData()

OBLIGATION: Final = Table(
    "obligation",
    METADATA,
    Column("obligation_id", String(36), primary_key=True),
    Column("subject", String(60), nullable=False),
    Column("unit", String(40), nullable=False),
    Column("ground_id", String(36)),
    Column("because", String(20), nullable=False),
    Column("categories", Text, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("opened_position", Number, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due", Instant, nullable=False),
    Column("answered_position", Number),
    Column("answered_at", Instant),
    Column("statement", String(20)),
    Column("basis", String(120)),
    Column("kept_until", Instant),
    Column("entries_stated", Integer),
    Column("exports_stated", Integer),
    Column("marked_overdue_at", Instant),
    Index("obligation_unit", "unit", "due"),
    Index("obligation_subject", "subject"),
)


class ObligationState(StrEnum):
    """What an obligation is at an instant."""

    OPEN = "open"
    ANSWERED = "answered"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class ObligationRecord:
    """One duty that the hub gave a unit."""

    obligation_id: ObligationId
    subject: SubjectId
    unit: UnitId
    ground_id: GroundId | None
    because: str
    categories: tuple[Category, ...]
    entries: int
    """How many entries the hub named."""
    opened_position: int
    opened_at: datetime
    due: datetime
    answered_position: int | None
    answered_at: datetime | None
    statement: str | None
    """`erased`, `kept-under-law` or `restricted`."""
    basis: str | None
    kept_until: datetime | None
    entries_stated: int | None
    exports_stated: int | None
    marked_overdue_at: datetime | None
    """When the hub's timer recorded that no statement had come."""

    def state(self, at: datetime) -> ObligationState:
        """Answered once a statement was recorded by `at`; overdue when none was and the date has passed."""
        if self.answered_at is not None and self.answered_at <= at:
            return ObligationState.ANSWERED
        return ObligationState.OVERDUE if self.due < at else ObligationState.OPEN


class Obligations:
    """The read model."""

    name: Final = "obligations"
    version: int = 2
    readable_from: int = 1
    metadata: Final = METADATA

    def apply(self, connection: Connection, items: Sequence[ParsedLogItem], tables: Build) -> None:
        """Opened ones first; what follows them in the log is then laid over them, and nothing that precedes them."""
        own = tables[OBLIGATION]
        _open(connection, own, [row for one in items if (row := _opened(one)) is not None])
        _lay_over(connection, own, [row for one in items if (row := _answered(one)) is not None])
        _lay_over(connection, own, [row for one in items if (row := _overdue(one)) is not None])


def obligations(
    connection: Connection, *, at: datetime, unit: UnitId | None = None, subject: SubjectId | None = None
) -> Sequence[ObligationRecord]:
    """Obligations opened by `at`, of one unit or about one subject where named, the one due first first. Raises `NotServedError`."""
    require_served(connection, Obligations.name, version=Obligations.version, readable_from=Obligations.readable_from)
    wanted = select(OBLIGATION).where(OBLIGATION.c.opened_at <= at)
    if unit is not None:
        wanted = wanted.where(OBLIGATION.c.unit == unit)
    if subject is not None:
        wanted = wanted.where(OBLIGATION.c.subject == subject)
    rows = connection.execute(wanted.order_by(OBLIGATION.c.due, OBLIGATION.c.opened_position))
    return [_record(row) for row in rows]


def overdue(connection: Connection, *, at: datetime) -> Sequence[ObligationRecord]:
    """Obligations of all units that nobody answered in time, judged at `at`. Raises `NotServedError`."""
    return [one for one in obligations(connection, at=at) if one.state(at) is ObligationState.OVERDUE]


def _opened(one: ParsedLogItem) -> dict[str, Any] | None:
    if one.message is None or not isinstance(one.message.facts, ObligationOpened):
        return None
    facts = one.message.facts
    return {
        "obligation_id": facts.obligation_id,
        "subject": one.message.subject,
        "unit": facts.unit,
        "ground_id": facts.ground_id,
        "because": facts.because,
        "categories": json.dumps(facts.categories),
        "entries": len(facts.entries),
        "opened_position": one.item.position,
        "opened_at": one.item.at,
        "due": facts.due,
    }


def _answered(one: ParsedLogItem) -> dict[str, Any] | None:
    if one.message is None or not isinstance(one.message.facts, ObligationAnswered):
        return None
    facts = one.message.facts
    return {
        **_named(one, facts.obligation_id, one.message.unit),
        "answered_position": one.item.position,
        "answered_at": one.item.at,
        "statement": facts.statement,
        "basis": facts.basis,
        "kept_until": facts.until,
        "entries_stated": facts.entries,
        "exports_stated": facts.exports,
    }


def _overdue(one: ParsedLogItem) -> dict[str, Any] | None:
    if one.message is None or not isinstance(one.message.facts, ObligationOverdue):
        return None
    facts = one.message.facts
    return {**_named(one, facts.obligation_id, facts.unit), "marked_overdue_at": one.item.at}


def _named(one: ParsedLogItem, obligation_id: ObligationId, unit: UnitId) -> dict[str, Any]:
    """Which obligation, opened before this place in the log, of which unit."""
    return {"of": obligation_id, "by": unit, "before": one.item.position}


def _open(connection: Connection, own: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Only the first opening counts: the hub's ids are deterministic, so a second one is the same duty."""
    known: set[str] = set()
    for some in batches(row["obligation_id"] for row in rows):
        known |= set(connection.scalars(select(own.c.obligation_id).where(own.c.obligation_id.in_(some))))
    first = {row["obligation_id"]: row for row in reversed(rows)}
    upsert(connection, own, [row for name, row in first.items() if name not in known])


def _lay_over(connection: Connection, own: Table, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    mine = (own.c.obligation_id == bindparam("of")) & (own.c.unit == bindparam("by"))
    connection.execute(update(own).where(mine, own.c.opened_position < bindparam("before")), rows)


def _record(row: Row[Any]) -> ObligationRecord:
    columns = row._mapping  # noqa: SLF001 - the documented way to a row's names, in spite of its underscore
    return ObligationRecord(**{**columns, "categories": tuple(map(Category, json.loads(row.categories)))})
