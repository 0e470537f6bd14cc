"""What was refused: kept, explained, and open until a person corrects and resends it (promise 6).

Invariants: nothing leaves this table; an item is open until it was replaced or dismissed; the code is one of `contracts.codes` or of a connector.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from adapters.storage.many_rows import among
from adapters.storage.tables import QUARANTINE
from contracts.names import MessageId, SubjectId

_SUBJECTS_REFUSED: Final = (
    select(QUARANTINE.c.subject)
    .where(QUARANTINE.c.code == bindparam("for_code"))
    .where(QUARANTINE.c.resolved_at.is_(None) & QUARANTINE.c.subject.is_not(None))
    .distinct()
)


class Origin(StrEnum):
    """Who refused it."""

    HUB = "hub"
    """The hub, by receipt."""
    DESK = "desk"
    """This adapter, before anything was signed."""
    ROW = "row"
    """A connector, which could not make a message of a row."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An item to be. `draft` is what a person corrects: `adapters.draft_json` of a message, or a row as JSON."""

    origin: Origin
    code: str
    explanation: str
    quarantined_at: datetime
    message_id: MessageId | None = None
    subject: SubjectId | None = None
    local_key: str | None = None
    draft: bytes | None = None


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """An item under its number; `replacement` is the message that took its place."""

    number: int
    refused: Refused
    resolved_at: datetime | None
    replacement: MessageId | None


class Quarantine:
    """The quarantine over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, refused: Refused) -> int:
        """Keep an item and return its number. The same row refused again for the same reason is the same item."""
        known = self._same(refused)
        if known is not None:
            return known
        values = {
            "origin": refused.origin.value,
            "code": refused.code,
            "explanation": refused.explanation,
            "message_id": refused.message_id,
            "subject": refused.subject,
            "local_key": refused.local_key,
            "draft": refused.draft,
            "quarantined_at": refused.quarantined_at,
        }
        return int(
            self._connection.execute(insert(QUARANTINE).values(values).returning(QUARANTINE.c.number)).scalar_one()
        )

    def _same(self, refused: Refused) -> int | None:
        if refused.local_key is None:
            return None
        found = self._connection.execute(
            select(QUARANTINE.c.number).where(
                (QUARANTINE.c.local_key == refused.local_key)
                & (QUARANTINE.c.code == refused.code)
                & (QUARANTINE.c.draft == refused.draft)
                & QUARANTINE.c.resolved_at.is_(None)
            )
        )
        number = found.scalars().first()
        return None if number is None else int(number)

    def find(self, number: int) -> QuarantineItem | None:
        """One item."""
        row = self._connection.execute(select(QUARANTINE).where(QUARANTINE.c.number == number)).one_or_none()
        return None if row is None else _item(row)

    def open_items(self) -> Sequence[QuarantineItem]:
        """What waits for a person, the oldest first."""
        rows = select(QUARANTINE).where(QUARANTINE.c.resolved_at.is_(None)).order_by(QUARANTINE.c.number)
        return [_item(row) for row in self._connection.execute(rows)]

    def open_rows(self, local_keys: Sequence[str]) -> frozenset[str]:
        """Which of these rows have an open item."""
        chosen = among(QUARANTINE.c.local_key, local_keys) & QUARANTINE.c.resolved_at.is_(None)
        rows = self._connection.execute(select(QUARANTINE.c.local_key).where(chosen).distinct())
        return frozenset(row.local_key for row in rows)

    def refused_by_hub(self, subject: SubjectId, code: str) -> Sequence[QuarantineItem]:
        """Open items about a subject that the hub refused with this code, the oldest first."""
        chosen = (
            (QUARANTINE.c.subject == subject) & (QUARANTINE.c.code == str(code)) & QUARANTINE.c.resolved_at.is_(None)
        )
        rows = (
            select(QUARANTINE).where(chosen & (QUARANTINE.c.origin == Origin.HUB.value)).order_by(QUARANTINE.c.number)
        )
        return [_item(row) for row in self._connection.execute(rows)]

    def subjects_refused_for(self, code: str) -> frozenset[SubjectId]:
        """Subjects that have open items with this code."""
        found = self._connection.scalars(_SUBJECTS_REFUSED, {"for_code": str(code)})
        return frozenset(SubjectId(subject) for subject in found)

    def resolve(self, number: int, *, at: datetime, replacement: MessageId | None = None) -> None:
        """It was replaced by a message, or dismissed by a person (no replacement)."""
        row = update(QUARANTINE).where(QUARANTINE.c.number == number)
        self._connection.execute(row.values(resolved_at=at, replacement=replacement))

    def resolve_row(self, local_key: str, *, at: datetime, replacement: MessageId) -> None:
        """The row was mended at its source and imported again."""
        still_open = (QUARANTINE.c.local_key == local_key) & QUARANTINE.c.resolved_at.is_(None)
        self._connection.execute(update(QUARANTINE).where(still_open).values(resolved_at=at, replacement=replacement))


def _item(row: Row[Any]) -> QuarantineItem:
    refused = Refused(
        origin=Origin(row.origin),
        code=row.code,
        explanation=row.explanation,
        quarantined_at=row.quarantined_at,
        message_id=None if row.message_id is None else MessageId(row.message_id),
        subject=None if row.subject is None else SubjectId(row.subject),
        local_key=row.local_key,
        draft=row.draft,
    )
    replacement = None if row.replacement is None else MessageId(row.replacement)
    return QuarantineItem(row.number, refused, row.resolved_at, replacement)
