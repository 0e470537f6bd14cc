"""Duties that the hub gave this unit: erase this, and say so.

Invariant: an obligation is open until this unit's statement went into the outbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from adapters.storage.tables import OBLIGATION
from adapters.storage.upsert import upsert
from contracts import strict_json
from contracts.messages.hub import ObligationOpened
from contracts.names import MessageId, ObligationId, SubjectId


@dataclass(frozen=True, slots=True)
class KeptObligation:
    """One obligation as received, and what was answered."""

    subject: SubjectId
    facts: ObligationOpened
    opened_at: datetime
    overdue: bool
    answered_at: datetime | None
    answer_id: MessageId | None


class Obligations:
    """The obligations over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, facts: ObligationOpened, *, subject: SubjectId, at: datetime) -> None:
        """Keep an obligation; one that is here already stays as it is."""
        if self.find(facts.obligation_id) is not None:
            return
        row = {
            "obligation_id": facts.obligation_id,
            "subject": subject,
            "facts": strict_json.canonical(facts.model_dump(mode="json", exclude_none=True)),
            "opened_at": at,
            "due": facts.due,
            "overdue": False,
        }
        upsert(self._connection, OBLIGATION, [row])

    def mark_overdue(self, obligation_id: ObligationId) -> None:
        """The hub says that no statement came in time."""
        row = update(OBLIGATION).where(OBLIGATION.c.obligation_id == obligation_id)
        self._connection.execute(row.values(overdue=True))

    def answer(self, obligation_id: ObligationId, *, message_id: MessageId, at: datetime) -> None:
        """This unit's statement is in the outbox."""
        row = update(OBLIGATION).where(OBLIGATION.c.obligation_id == obligation_id)
        self._connection.execute(row.values(answered_at=at, answer_id=message_id))

    def find(self, obligation_id: ObligationId) -> KeptObligation | None:
        """One obligation."""
        rows = self._connection.execute(select(OBLIGATION).where(OBLIGATION.c.obligation_id == obligation_id))
        row = rows.one_or_none()
        return None if row is None else _obligation(row)

    def unanswered(self) -> Sequence[KeptObligation]:
        """Open duties, the most urgent first."""
        rows = select(OBLIGATION).where(OBLIGATION.c.answered_at.is_(None)).order_by(OBLIGATION.c.due)
        return [_obligation(row) for row in self._connection.execute(rows)]

    def all(self) -> Sequence[KeptObligation]:
        """All duties, the most urgent first."""
        return [_obligation(row) for row in self._connection.execute(select(OBLIGATION).order_by(OBLIGATION.c.due))]


def _obligation(row: Row[Any]) -> KeptObligation:
    return KeptObligation(
        subject=SubjectId(row.subject),
        facts=ObligationOpened.model_validate_json(row.facts),
        opened_at=row.opened_at,
        overdue=row.overdue,
        answered_at=row.answered_at,
        answer_id=None if row.answer_id is None else MessageId(row.answer_id),
    )
