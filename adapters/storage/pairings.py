"""Pairing codes that this unit gave out, and codes that were entered here.

Invariants: no code is kept: of one given out the meeting subject, of one entered also the key that opens what the other unit left, until it was
opened; a code is used once on either side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, LargeBinary, Row, String, Table, func, insert, select, update

from adapters.drafts import ClientKey
from adapters.storage.column_types import Instant, Number
from adapters.storage.tables import METADATA
from contracts.names import MessageId, SubjectId, UnitId
from contracts.pairing import Meeting

CODE_GIVEN: Final = Table(
    "pairing_code_given",
    METADATA,
    Column("meeting_subject", String(60), primary_key=True),
    Column("subject", String(60), nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("joined_by", String(40)),
    Column("joined_at", Instant),
)

CODE_ENTERED: Final = Table(
    "pairing_code_entered",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("meeting_subject", String(60), nullable=False, index=True),
    Column("message_id", String(36), nullable=False),
    Column("client_key", String(200), nullable=False),
    Column("key", LargeBinary),
    Column("entered_at", Instant, nullable=False),
    Column("opened_at", Instant),
    Column("issuer", String(40)),
    Column("subject", String(60)),
    Column("fault", String(40)),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class CodeGiven:
    """A code that this unit gave to a client."""

    meeting_subject: SubjectId
    subject: SubjectId
    given_at: datetime
    until: datetime
    joined_by: UnitId | None = None
    joined_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CodeEntered:
    """A code that was entered for a client, and what came of it."""

    number: int
    meeting_subject: SubjectId
    message_id: MessageId
    client: ClientKey
    key: bytes | None
    """None once what the other unit left was opened."""
    entered_at: datetime
    opened_at: datetime | None
    issuer: UnitId | None
    subject: SubjectId | None
    """The issuing unit's, once opened."""
    fault: str | None
    """Why the client does not go by the issuing unit's subject; None where it does, or while that is open."""

    @property
    def meeting(self) -> Meeting | None:
        """What the code gave, while it is still to be opened."""
        return None if self.key is None else Meeting(self.meeting_subject, self.key)


class Pairings:
    """The codes over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def give(self, code: CodeGiven) -> None:
        """Remember a code that was given out."""
        row = {name: getattr(code, name) for name in CODE_GIVEN.columns.keys()}  # noqa: SIM118 - columns, not a dictionary
        self._connection.execute(insert(CODE_GIVEN).values(row))

    def given(self) -> Sequence[CodeGiven]:
        """All codes given out, the oldest first."""
        rows = self._connection.execute(select(CODE_GIVEN).order_by(CODE_GIVEN.c.given_at))
        return [CodeGiven(**row._mapping) for row in rows]  # noqa: SLF001 - documented API

    def not_joined(self) -> Sequence[CodeGiven]:
        """Codes given out that nobody used yet."""
        return [one for one in self.given() if one.joined_by is None]

    def joined(self, meeting_subject: SubjectId, unit: UnitId, *, at: datetime) -> None:
        """A unit joined by the code."""
        row = update(CODE_GIVEN).where(CODE_GIVEN.c.meeting_subject == meeting_subject)
        self._connection.execute(row.values(joined_by=unit, joined_at=at))

    def enter(self, meeting: Meeting, client: ClientKey, message_id: MessageId, *, at: datetime) -> None:
        """Remember a code that was entered."""
        row = {
            "meeting_subject": meeting.subject,
            "message_id": message_id,
            "client_key": client,
            "key": meeting.key,
            "entered_at": at,
        }
        self._connection.execute(insert(CODE_ENTERED).values(row))

    def entered(self) -> Sequence[CodeEntered]:
        """All codes entered, the oldest first."""
        rows = self._connection.execute(select(CODE_ENTERED).order_by(CODE_ENTERED.c.number))
        return [_entered(row) for row in rows]

    def unopened(self) -> Sequence[CodeEntered]:
        """Codes entered to which nothing was handed over yet."""
        rows = select(CODE_ENTERED).where(CODE_ENTERED.c.opened_at.is_(None)).order_by(CODE_ENTERED.c.number)
        return [_entered(row) for row in self._connection.execute(rows)]

    def led_nowhere(self, *, since: datetime) -> int:
        """How many codes entered since then opened nothing, or not yet."""
        tried = (CODE_ENTERED.c.entered_at > since) & CODE_ENTERED.c.opened_at.is_(None)
        return self._connection.execute(select(func.count()).select_from(CODE_ENTERED).where(tried)).scalar_one()

    def opened(
        self, number: int, *, issuer: UnitId, subject: SubjectId | None, fault: str | None, at: datetime
    ) -> None:
        """What the other unit left was opened, or will never open; the key goes."""
        row = update(CODE_ENTERED).where(CODE_ENTERED.c.number == number)
        self._connection.execute(row.values(opened_at=at, issuer=issuer, subject=subject, fault=fault, key=None))


def _entered(row: Row[Any]) -> CodeEntered:
    columns = {name: value for name, value in row._mapping.items() if name != "client_key"}  # noqa: SLF001 - documented API
    return CodeEntered(**columns, client=ClientKey(row.client_key))
