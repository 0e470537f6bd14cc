"""The access history over all clients, for an auditor: by receiver, worker, kind and period, the newest first.

Invariants: what is found of a client is what `access_history` tells of that client; a worker is found by the whole name (`counsellor/w7`) or by the
pseudonym alone (`w7`), never by a part of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from contracts.names import SubjectId, UnitId
from projections.access_history import AccessHistory
from projections.access_report import AccessRecord, given_record, read_record, select_given, select_reads
from projections.access_tables import GIVEN, GIVEN_WHEN, READ, RECEIVER
from projections.positions import require_served


class Kind(StrEnum):
    """What is looked for."""

    READ = "read"
    REFUSED = "refused"
    EMERGENCY = "emergency"
    """What was hidden was opened all the same (break-glass)."""
    GIVEN = "given"
    """Entries given to a unit, to be given, or withheld from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked; None asks for all."""

    subject: SubjectId | None = None
    units: frozenset[UnitId] | None = None
    """The receiver is one of these."""
    worker: str | None = None
    """Entries are given to units, not to workers: with a worker only reads and refused attempts are found."""
    kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not included."""


@dataclass(frozen=True, slots=True)
class Found:
    """One line, and whom it is about."""

    subject: SubjectId
    record: AccessRecord


@dataclass(frozen=True, slots=True)
class Receiver:
    """A unit that stands, or once stood, in the trust list."""

    unit: UnitId
    name: str
    institution: str


def search(connection: Connection, question: Question, *, limit: int) -> Sequence[Found]:
    """At most `limit` lines. Raises `NotServedError`."""
    _require(connection)
    found: list[Found] = []
    if question.kind is not Kind.GIVEN:
        rows = connection.execute(_reads(question).limit(limit))
        found += [Found(row.subject, read_record(row)) for row in rows]
    if question.worker is None and question.kind in {None, Kind.GIVEN}:
        rows = connection.execute(_given(question).limit(limit))
        found += [Found(row.subject, given_record(row)) for row in rows]
    return sorted(found, key=_place, reverse=True)[:limit]


def receivers(connection: Connection) -> Sequence[Receiver]:
    """Every unit, by institution and name. Raises `NotServedError`."""
    _require(connection)
    rows = connection.execute(select(RECEIVER).order_by(RECEIVER.c.institution, RECEIVER.c.name, RECEIVER.c.unit))
    return [Receiver(row.unit, row.name, row.institution) for row in rows]


def delivered(connection: Connection, subject: SubjectId, at: datetime) -> Mapping[tuple[UnitId, int], bool]:
    """By unit and position, what had been reported of a subject's entries by `at`: given, or withheld in the end. Raises `NotServedError`."""
    _require(connection)
    rows = connection.execute(select(GIVEN).where(GIVEN.c.subject == subject))
    found: dict[tuple[UnitId, int], bool] = {}
    for row in rows:
        moments = [
            (moment, given)
            for moment, given in ((row.delivered_at, True), (row.withheld_at, False))
            if moment is not None and moment <= at
        ]
        if moments:
            found[row.unit, row.position] = max(moments)[1]
    return found


def _reads(question: Question) -> Select[Any]:
    asked = _common(question, READ.c.subject, READ.c.reader_unit, READ.c.time)
    if question.worker is not None:
        role, _, worker = question.worker.rpartition("/")
        asked.append(READ.c.worker == worker)
        if role:
            asked.append(READ.c.reader == question.worker)
    if question.kind is Kind.EMERGENCY:
        asked.append(READ.c.emergency.is_not(None))
    elif question.kind is not None:
        asked.append(READ.c.outcome == question.kind)
    return select_reads().where(*asked).order_by(READ.c.time.desc(), READ.c.position.desc(), READ.c.reader_unit.desc())


def _given(question: Question) -> Select[Any]:
    asked = _common(question, GIVEN.c.subject, GIVEN.c.unit, GIVEN_WHEN)
    return select_given().where(*asked).order_by(GIVEN_WHEN.desc(), GIVEN.c.position.desc(), GIVEN.c.unit.desc())


def _common(
    question: Question, subject: ColumnElement[Any], unit: ColumnElement[Any], when: ColumnElement[Any]
) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if question.subject is not None:
        asked.append(subject == question.subject)
    if question.units is not None:
        asked.append(unit.in_(sorted(question.units)))
    if question.since is not None:
        asked.append(when >= question.since)
    if question.until is not None:
        asked.append(when < question.until)
    return asked


def _place(found: Found) -> tuple[datetime, int, str]:
    return found.record.logtime, found.record.position, found.record.receiver_code


def _require(connection: Connection) -> None:
    require_served(
        connection, AccessHistory.name, version=AccessHistory.version, readable_from=AccessHistory.readable_from
    )
