"""Own entries that may not leave yet.

Invariant: a held entry has its document in the journal and no number; it leaves this table only into the outbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from adapters.drafts import ClientKey
from adapters.storage.tables import HELD
from contracts.names import MessageId, SubjectId


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """An entry and why it may not leave: a reason of `contracts.codes`, or `no-trust-list`."""

    message_id: MessageId
    client: ClientKey | None
    subject: SubjectId
    category: str | None
    reason: str
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
                "client_key": one.client,
                "subject": one.subject,
                "category": one.category,
                "reason": one.reason,
                "held_at": one.held_at,
            }
            for one in entries
        ]
        self._connection.execute(insert(HELD), rows)

    def remove(self, message_id: MessageId) -> None:
        """It went into the outbox."""
        self._connection.execute(delete(HELD).where(HELD.c.message_id == message_id))

    def set_reason(self, message_id: MessageId, reason: str) -> None:
        """It was judged again and may still not leave."""
        self._connection.execute(update(HELD).where(HELD.c.message_id == message_id).values(reason=reason))

    def find(self, message_id: MessageId) -> HeldEntry | None:
        """One held entry."""
        row = self._connection.execute(select(HELD).where(HELD.c.message_id == message_id)).one_or_none()
        return None if row is None else _held(row)

    def of_subject(self, subject: SubjectId) -> Sequence[HeldEntry]:
        """Held entries of a subject, in the order in which they were recorded (UUIDv7 ids sort by time)."""
        rows = self._connection.execute(select(HELD).where(HELD.c.subject == subject).order_by(HELD.c.message_id))
        return [_held(row) for row in rows]

    def all(self) -> Sequence[HeldEntry]:
        """Every held entry, in the order in which they were recorded."""
        return [_held(row) for row in self._connection.execute(select(HELD).order_by(HELD.c.message_id))]

    def subjects(self) -> Sequence[SubjectId]:
        """Subjects that have held entries."""
        rows = self._connection.execute(select(HELD.c.subject).distinct().order_by(HELD.c.subject))
        return [SubjectId(row.subject) for row in rows]


def _held(row: Row[Any]) -> HeldEntry:
    return HeldEntry(
        message_id=MessageId(row.message_id),
        client=None if row.client_key is None else ClientKey(row.client_key),
        subject=SubjectId(row.subject),
        category=row.category,
        reason=row.reason,
        held_at=row.held_at,
    )
