"""The content keys that this unit made and seals under (DESIGN section 9).

Invariants: at most one key per (subject, scope) is current, in the quarter in which it was made; what changes a subject's grounds retires all keys of
that subject, and the next one has a higher epoch; a retired key stays, since what it sealed may have to be sent again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, Row, func, select, update

from adapters.storage.many_rows import Same, among, insert_rows
from adapters.storage.tables import CONTENT_KEY
from contracts.names import RecordKey
from contracts.sealing.content_key import ContentKey

Use = tuple[RecordKey, str]
"""What one key is for: a subject and a scope."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A content key of this unit."""

    key_id: str
    key: ContentKey = field(repr=False)
    subject: RecordKey
    scope: str
    epoch: int
    quarter: str


def quarter_of(at: datetime) -> str:
    """The quarter in which a key that is made at `at` may be used."""
    there = at.astimezone(UTC)
    return f"{there.year}-{(there.month - 1) // 3 + 1}"


class ContentKeys:
    """This unit's content keys over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def current(self, subjects: Sequence[RecordKey], *, at: datetime) -> Mapping[Use, OwnKey]:
        """The keys under which something about these is sealed at `at`."""
        chosen = among(CONTENT_KEY.c.subject, subjects) & ~CONTENT_KEY.c.retired
        rows = self._connection.execute(select(CONTENT_KEY).where(chosen & (CONTENT_KEY.c.quarter == quarter_of(at))))
        return {(RecordKey(row.subject), row.scope): _own(row) for row in rows}

    def last_epoch(self, subject: RecordKey) -> int:
        """The highest epoch of a subject's keys, 0 for none."""
        highest = select(func.max(CONTENT_KEY.c.epoch)).where(CONTENT_KEY.c.subject == subject)
        return self._connection.execute(highest).scalar_one() or 0

    def add(self, keys: Sequence[OwnKey], *, at: datetime) -> None:
        """Keep keys that were made now."""
        columns: Mapping[str, Sequence[object] | Same] = {
            "key_id": [one.key_id for one in keys],
            "subject": [one.subject for one in keys],
            "scope": [one.scope for one in keys],
            "epoch": [one.epoch for one in keys],
            "secret": [one.key.secret for one in keys],
            "quarter": [one.quarter for one in keys],
            "retired": Same(False),  # noqa: FBT003 - the column's value
            "made_at": Same(at),
        }
        if keys:
            insert_rows(self._connection, CONTENT_KEY, columns)

    def retire(self, subjects: Iterable[str]) -> None:
        """The grounds of these changed: what leaves from now on is sealed under new keys."""
        current = among(CONTENT_KEY.c.subject, list(subjects)) & ~CONTENT_KEY.c.retired
        self._connection.execute(update(CONTENT_KEY).where(current).values(retired=True))

    def find(self, key_id: str) -> OwnKey | None:
        """One key."""
        row = self._connection.execute(select(CONTENT_KEY).where(CONTENT_KEY.c.key_id == key_id)).one_or_none()
        return None if row is None else _own(row)


def _own(row: Row[tuple[object, ...]]) -> OwnKey:
    return OwnKey(row.key_id, ContentKey(row.secret), RecordKey(row.subject), row.scope, row.epoch, row.quarter)
