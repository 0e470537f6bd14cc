"""Reports to clients about themselves: drafted, reviewed, given; each step with who and when.

Invariants: a report is reviewed once and given only after that; a decision about an entry holds for the text that the reviewer saw (its digest is
kept, and of what was blacked out the place, never the words); nothing of an entry's content stands here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from sqlalchemy import Column, Connection, LargeBinary, Row, String, Table, Text, insert, select, update

from adapters.storage.column_types import Instant, Number
from adapters.storage.tables import METADATA
from adapters.storage.upsert import upsert
from contracts.categories import Purpose
from contracts.names import ActorId, MessageId, SubjectId

REPORT: Final = Table(
    "personal_report",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("subject", String(60), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("drafted_by", String(110), nullable=False),
    Column("drafted_at", Instant, nullable=False),
    Column("reviewed_by", String(110)),
    Column("reviewed_at", Instant),
    sqlite_autoincrement=True,
)

REPORT_REVIEW: Final = Table(
    "personal_report_review",
    METADATA,
    Column("report", Number, primary_key=True, autoincrement=False),
    Column("message_id", String(36), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("spans", Text, nullable=False),
    Column("reviewed_by", String(110), nullable=False),
    Column("reviewed_at", Instant, nullable=False),
)
"""What a worker decided about one entry."""

REPORT_GIVEN: Final = Table(
    "personal_report_given",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("report", Number, nullable=False, index=True),
    Column("form", String(20), nullable=False),
    Column("given_by", String(110), nullable=False),
    Column("given_at", Instant, nullable=False),
    sqlite_autoincrement=True,
)
"""Each time that it was made ready to be handed over."""


class Verdict(StrEnum):
    """What of an entry goes into the report."""

    WHOLE = "whole"
    BLACKED = "blacked"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of one text of an entry."""

    path: str
    """Where the text stands in the content: `note`, `topics/0`."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What a worker decided about one entry as it read then."""

    message_id: MessageId
    digest: bytes
    verdict: Verdict
    spans: tuple[Span, ...]
    by: ActorId
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptReport:
    """One report."""

    number: int
    subject: SubjectId
    purpose: Purpose
    drafted_by: ActorId
    drafted_at: datetime
    reviewed_by: ActorId | None
    reviewed_at: datetime | None
    given_at: datetime | None
    """The last time; None while nobody has given it."""

    @property
    def standing(self) -> Literal["drafted", "reviewed", "given"]:
        """How far it is; one whose review was opened again is drafted."""
        if self.reviewed_at is None:
            return "drafted"
        return "reviewed" if self.given_at is None or self.given_at < self.reviewed_at else "given"


class Reports:
    """The reports over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def draft(self, subject: SubjectId, purpose: Purpose, *, by: ActorId, at: datetime) -> int:
        """Begin one; returns its number."""
        values = {"subject": subject, "purpose": purpose.value, "drafted_by": by, "drafted_at": at}
        return int(self._connection.execute(insert(REPORT).values(values).returning(REPORT.c.number)).scalar_one())

    def find(self, number: int) -> KeptReport | None:
        """One report."""
        row = self._connection.execute(select(REPORT).where(REPORT.c.number == number)).one_or_none()
        return None if row is None else self._report(row)

    def all(self) -> Sequence[KeptReport]:
        """Every report, the oldest first."""
        return [self._report(row) for row in self._connection.execute(select(REPORT).order_by(REPORT.c.number))]

    def decide(self, number: int, decision: Decision) -> None:
        """A decision takes the place of an earlier one about the same entry, and opens the review again."""
        row = {
            "report": number,
            "message_id": decision.message_id,
            "digest": decision.digest,
            "verdict": decision.verdict.value,
            "spans": json.dumps([(one.path, one.start, one.end) for one in decision.spans]),
            "reviewed_by": decision.by,
            "reviewed_at": decision.at,
        }
        upsert(self._connection, REPORT_REVIEW, [row])
        reopened = update(REPORT).where(REPORT.c.number == number).values(reviewed_by=None, reviewed_at=None)
        self._connection.execute(reopened)

    def decisions(self, number: int) -> Mapping[MessageId, Decision]:
        """What was decided, by entry."""
        rows = self._connection.execute(select(REPORT_REVIEW).where(REPORT_REVIEW.c.report == number))
        return {MessageId(row.message_id): _decision(row) for row in rows}

    def reviewed(self, number: int, *, by: ActorId, at: datetime) -> None:
        """Somebody has gone through all of it."""
        row = update(REPORT).where(REPORT.c.number == number, REPORT.c.reviewed_at.is_(None))
        self._connection.execute(row.values(reviewed_by=by, reviewed_at=at))

    def given(self, number: int, form: str, *, by: ActorId, at: datetime) -> None:
        """It was made ready to be handed over."""
        values = {"report": number, "form": form, "given_by": by, "given_at": at}
        self._connection.execute(insert(REPORT_GIVEN).values(values))

    def _report(self, row: Row[Any]) -> KeptReport:
        latest = select(REPORT_GIVEN.c.given_at).where(REPORT_GIVEN.c.report == row.number)
        given_at = self._connection.execute(latest.order_by(REPORT_GIVEN.c.number.desc()).limit(1)).scalar_one_or_none()
        return KeptReport(
            number=row.number,
            subject=SubjectId(row.subject),
            purpose=Purpose(row.purpose),
            drafted_by=ActorId(row.drafted_by),
            drafted_at=row.drafted_at,
            reviewed_by=row.reviewed_by,
            reviewed_at=row.reviewed_at,
            given_at=given_at,
        )


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        message_id=MessageId(row.message_id),
        digest=row.digest,
        verdict=Verdict(row.verdict),
        spans=tuple(Span(*one) for one in json.loads(row.spans)),
        by=ActorId(row.reviewed_by),
        at=row.reviewed_at,
    )
