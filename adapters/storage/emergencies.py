"""Emergency openings: who opened what the rules hid, why, until when, and what a second person said of it.

Invariants: what was typed stays here, only the code of the reason leaves; an opening is judged once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, String, Table, Text, insert, select, update

from adapters.storage.column_types import Instant, Number
from adapters.storage.tables import METADATA
from contracts.names import ActorId, Code, MessageId, SubjectId

EMERGENCY: Final = Table(
    "emergency",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("emergency_id", String(36), nullable=False, unique=True),
    Column("subject", String(60), nullable=False, index=True),
    Column("reader", String(110), nullable=False),
    Column("reason", String(60), nullable=False),
    Column("why", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("judge_by", Instant, nullable=False),
    Column("judged_by", String(110)),
    Column("judged_at", Instant),
    Column("judged", String(20)),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class KeptEmergency:
    """One opening."""

    number: int
    emergency_id: MessageId
    subject: SubjectId
    reader: ActorId
    reason: Code
    why: str
    """As the worker typed it; it does not leave the unit."""
    opened_at: datetime
    until: datetime
    judge_by: datetime
    judged_by: ActorId | None = None
    judged_at: datetime | None = None
    judged: str | None = None

    def overdue(self, at: datetime) -> bool:
        """True where no second person has looked at it in time."""
        return self.judged is None and self.judge_by <= at


class Emergencies:
    """The openings over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, opening: KeptEmergency) -> int:
        """Keep a new one; returns its number."""
        values = {name: getattr(opening, name) for name in EMERGENCY.columns.keys() if name != "number"}  # noqa: SIM118 - columns, not a dictionary
        return int(
            self._connection.execute(insert(EMERGENCY).values(values).returning(EMERGENCY.c.number)).scalar_one()
        )

    def find(self, number: int) -> KeptEmergency | None:
        """One opening."""
        row = self._connection.execute(select(EMERGENCY).where(EMERGENCY.c.number == number)).one_or_none()
        return None if row is None else _kept(row)

    def in_force(self, subject: SubjectId, reader: ActorId, *, at: datetime) -> KeptEmergency | None:
        """What is open of a client to this worker; the one that lasts longest."""
        chosen = (EMERGENCY.c.subject == subject) & (EMERGENCY.c.reader == reader) & (EMERGENCY.c.until > at)
        rows = self._connection.execute(select(EMERGENCY).where(chosen).order_by(EMERGENCY.c.until.desc()).limit(1))
        return next((_kept(row) for row in rows), None)

    def unjudged(self) -> Sequence[KeptEmergency]:
        """Those that no second person has looked at, the most urgent first."""
        rows = select(EMERGENCY).where(EMERGENCY.c.judged.is_(None)).order_by(EMERGENCY.c.judge_by, EMERGENCY.c.number)
        return [_kept(row) for row in self._connection.execute(rows)]

    def all(self) -> Sequence[KeptEmergency]:
        """Every opening, the oldest first."""
        return [_kept(row) for row in self._connection.execute(select(EMERGENCY).order_by(EMERGENCY.c.number))]

    def judge(self, number: int, judged: str, *, by: ActorId, at: datetime) -> bool:
        """What the second person says; False where somebody has said it already."""
        row = update(EMERGENCY).where(EMERGENCY.c.number == number, EMERGENCY.c.judged.is_(None))
        return self._connection.execute(row.values(judged=judged, judged_by=by, judged_at=at)).rowcount == 1


def _kept(row: Row[Any]) -> KeptEmergency:
    return KeptEmergency(**row._mapping)  # noqa: SLF001 - the documented way to a row's names
