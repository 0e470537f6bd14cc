"""Own entries that may not leave yet.

Invariant: a held entry has its document in the journal and no number; it leaves this table only into the outbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from adapters.storage.many_rows import one_of_keys
from adapters.storage.tables import HELD
from contracts.names import MessageId, SubjectId

_SUBJECTS: Final = select(HELD.c.subject).distinct()
_OF_THESE: Final = _SUBJECTS.where(one_of_keys(HELD.c.subject))


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """An entry and why it may not leave: `no-ground` and the like; `detail` says which lock of the gate was closed."""

    message_id: MessageId
    subject: SubjectId
    category: str | None
    reason: str
    detail: str | None
    held_at: datetime


class Held:
    """The held entries over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, entries: Sequence[HeldEntry]) -> None:
        """Keep entries until a ground appears."""
        if not entries:
            return
        rows = [
            {
                "message_id": one.message_id,
                "subject": one.subject,
                "category": one.category,
                "reason": one.reason,
                "detail": one.detail,
                "held_at": one.held_at,
            }
            for one in entries
        ]
        self._connection.execute(insert(HELD), rows)

    def remove(self, message_id: MessageId) -> None:
        """It went into the outbox."""
        self._connection.execute(delete(HELD).where(HELD.c.message_id == message_id))

    def set_reason(self, message_id: MessageId, reason: str, detail: str | None) -> None:
        """It was judged again and may still not leave."""
        row = update(HELD).where(HELD.c.message_id == message_id)
        self._connection.execute(row.values(reason=reason, detail=detail))

    def move(self, old: SubjectId, new: SubjectId) -> None:
        """The client got another subject before anything left."""
        self._connection.execute(update(HELD).where(HELD.c.subject == old).values(subject=new))

    def find(self, message_id: MessageId) -> HeldEntry | None:
        """One held entry."""
        row = self._connection.execute(select(HELD).where(HELD.c.message_id == message_id)).one_or_none()
        return None if row is None else _held(row)

    def of_subject(self, subject: SubjectId) -> Sequence[HeldEntry]:
        """Held entries of a subject, in the order in which they were recorded."""
        rows = self._connection.execute(select(HELD).where(HELD.c.subject == subject).order_by(HELD.c.number))
        return [_held(row) for row in rows]

    def all(self) -> Sequence[HeldEntry]:
        """Every held entry, in the order in which they were recorded."""
        return [_held(row) for row in self._connection.execute(select(HELD).order_by(HELD.c.number))]

    def subjects(self, chosen: Sequence[SubjectId] | None = None) -> frozenset[SubjectId]:
        """Subjects (of these, where some are named) that have held entries."""
        asked = (_SUBJECTS, {}) if chosen is None else (_OF_THESE, {"keys": chosen})
        return frozenset(SubjectId(subject) for subject in self._connection.scalars(*asked))


def _held(row: Row[Any]) -> HeldEntry:
    return HeldEntry(
        message_id=MessageId(row.message_id),
        subject=SubjectId(row.subject),
        category=row.category,
        reason=row.reason,
        detail=row.detail,
        held_at=row.held_at,
    )
