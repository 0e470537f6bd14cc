"""The access history as the client reads it, in the shape of the Estonian data tracker (STANDARDS, access record).

Invariants: one list over reads, refused attempts and what was given, the oldest first; receivers bear the names of the newest trust list in
which they stand, their codes never change.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from contracts.categories import Category, Purpose
from contracts.names import HUB, ActorId, GroundId, MessageId, ReferralId, SubjectId, UnitId
from projections.access_history import AccessHistory
from projections.access_tables import ENTRY, GIVEN, READ, RECEIVER
from projections.positions import require_served


class AccessAction(StrEnum):
    """What was done, by the codes of FHIR AuditEvent.action."""

    READ = "R"
    DISCLOSED = "E"


class AccessOutcome(StrEnum):
    """What came of it."""

    READ = "read"
    REFUSED = "refused"
    DECIDED = "decided"
    """To be given; not yet reported as delivered."""
    DELIVERED = "delivered"
    WITHHELD = "withheld"
    """A withdrawal came before it was sent."""


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One line of the history."""

    logtime: datetime
    """When it happened: the read, the delivery, else the decision."""
    action: AccessAction
    outcome: AccessOutcome
    reason: str | None
    """Why an attempt was refused."""
    receiver_code: UnitId
    receiver_name: str | None
    """None for a unit that stands in no trust list of this log."""
    institution: str | None
    reader: ActorId | None
    """Role and pseudonym of the worker who read."""
    system: UnitId
    """Whose adapter reports the read; the hub for what it gave."""
    source: UnitId | None
    """Whose entry was given."""
    purpose: Purpose | None
    audit: str | None
    """What an auditor looked for, by the code list `audit-purpose`; then there is no other purpose."""
    categories: tuple[Category, ...]
    entries: tuple[MessageId, ...]
    ground_id: GroundId | None
    referral_id: ReferralId | None
    emergency: str | None
    """Why what was hidden was opened all the same (code list `emergency-reason`)."""
    judged: str | None
    """What the second person said of it."""
    hidden_basis: str | None
    """By which law the client may not be told before `hidden_until` (code list `disclosure-basis`)."""
    hidden_until: datetime | None
    position: int
    """The log's position of the report or of the entry given: where the evidence stands."""


def access_history(connection: Connection, subject: SubjectId) -> Sequence[AccessRecord]:
    """Everything that the log says about who got at this subject's data. Raises `NotServedError`."""
    require_served(
        connection, AccessHistory.name, version=AccessHistory.version, readable_from=AccessHistory.readable_from
    )
    records = [*_reads(connection, subject), *_given(connection, subject)]
    return sorted(records, key=lambda one: (one.logtime, one.position, one.receiver_code))


def _reads(connection: Connection, subject: SubjectId) -> Iterable[AccessRecord]:
    return [read_record(row) for row in connection.execute(select_reads().where(READ.c.subject == subject))]


def select_reads() -> Select[Any]:
    """Reads and refused attempts with the names of their receivers, for `read_record`."""
    joined = READ.outerjoin(RECEIVER, RECEIVER.c.unit == READ.c.reader_unit)
    return select(READ, RECEIVER.c.name, RECEIVER.c.institution).select_from(joined)


def read_record(row: Row[Any]) -> AccessRecord:
    """A row of `select_reads`."""
    audited = row.reporter == HUB  # no unit can speak for it
    return AccessRecord(
        logtime=row.time,
        action=AccessAction.READ,
        outcome=AccessOutcome(row.outcome),
        reason=row.reason,
        receiver_code=row.reader_unit,
        receiver_name=row.name,
        institution=row.institution,
        reader=row.reader,
        system=row.reporter,
        source=None,
        purpose=None if audited else Purpose(row.purpose),
        audit=row.purpose if audited else None,
        categories=tuple(map(Category, json.loads(row.categories))),
        entries=tuple(json.loads(row.entries)),
        ground_id=row.ground_id,
        emergency=row.emergency,
        judged=row.judged,
        hidden_basis=row.hidden_basis,
        hidden_until=row.hidden_until,
        referral_id=None,
        position=row.position,
    )


def _given(connection: Connection, subject: SubjectId) -> Iterable[AccessRecord]:
    return [given_record(row) for row in connection.execute(select_given().where(GIVEN.c.subject == subject))]


def select_given() -> Select[Any]:
    """What was given, or was to be, with the entry and the names of its receivers, for `given_record`."""
    joined = GIVEN.join(ENTRY, ENTRY.c.position == GIVEN.c.position).outerjoin(
        RECEIVER, RECEIVER.c.unit == GIVEN.c.unit
    )
    entry = (ENTRY.c.message_id, ENTRY.c.author, ENTRY.c.category, ENTRY.c.purpose, ENTRY.c.referral_id)
    return select(GIVEN, *entry, RECEIVER.c.name, RECEIVER.c.institution).select_from(joined)


def given_record(row: Row[Any]) -> AccessRecord:
    """A row of `select_given`."""
    return AccessRecord(
        logtime=row.delivered_at or row.withheld_at or row.decided_at,
        action=AccessAction.DISCLOSED,
        outcome=_outcome(row),
        reason=None,
        receiver_code=row.unit,
        receiver_name=row.name,
        institution=row.institution,
        reader=None,
        system=HUB,
        source=row.author,
        purpose=None if row.purpose is None else Purpose(row.purpose),
        audit=None,
        categories=() if row.category is None else (Category(row.category),),
        entries=(row.message_id,),
        ground_id=row.ground_id,
        emergency=None,
        judged=None,
        hidden_basis=None,
        hidden_until=None,
        referral_id=row.referral_id,
        position=row.position,
    )


def _outcome(row: Row[Any]) -> AccessOutcome:
    if row.delivered_at is not None:
        return AccessOutcome.DELIVERED
    return AccessOutcome.DECIDED if row.withheld_at is None else AccessOutcome.WITHHELD
