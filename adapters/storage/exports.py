"""Copies of entries that left the adapter: files that it wrote, and what was printed.

Invariants: a copy is listed before it exists, with every entry of others in it, so whoever must erase an entry knows each copy that holds it; own
entries are not listed, since nobody else may ask for their erasure; what a person must destroy stays listed until that person says that it is done.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Column, Connection, Index, Row, String, Table, Text, delete, insert, select, update

from adapters.storage.column_types import Instant, Number
from adapters.storage.tables import METADATA
from adapters.storage.upsert import upsert
from contracts.names import ActorId, MessageId, ReferralId

EXPORT: Final = Table(
    "export",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("path", Text),
    Column("form", String(20), nullable=False),
    Column("made_by", String(110), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ended_at", Instant),
    sqlite_autoincrement=True,
)

EXPORT_ENTRY: Final = Table(
    "export_entry",
    METADATA,
    Column("export", Number, primary_key=True, autoincrement=False),
    Column("message_id", String(36), primary_key=True),
    Column("referral_id", String(36)),
    Index("export_entry_message", "message_id"),
)

Form = Literal["tables", "document", "printed"]
"""`tables`: rows can be cut out; `document`: it goes whole; `printed`: only a person can destroy it."""
Entries = Mapping[MessageId, ReferralId | None]
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Export:
    """One copy."""

    number: int
    path: str | None
    form: Form
    made_by: ActorId
    made_at: datetime
    ended_at: datetime | None
    """Since when it does not exist any more."""


class Exports:
    """The copies over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def make(self, path: str | None, form: Form, *, by: ActorId, at: datetime) -> int:
        """A copy is about to be made; a file that is written again stays the same copy. Returns its number."""
        written = select(EXPORT.c.number).where(EXPORT.c.path == path, EXPORT.c.ended_at.is_(None))
        known = None if path is None else self._connection.execute(written).scalar_one_or_none()
        if known is not None:
            return int(known)
        values = {"path": path, "form": form, "made_by": by, "made_at": at}
        return int(self._connection.execute(insert(EXPORT).values(values).returning(EXPORT.c.number)).scalar_one())

    def hold(self, number: int, entries: Entries) -> None:
        """It will hold these entries of others too."""
        rows = [{"export": number, "message_id": one, "referral_id": about} for one, about in entries.items()]
        for start in range(0, len(rows), _AT_ONCE):
            upsert(self._connection, EXPORT_ENTRY, rows[start : start + _AT_ONCE])

    def entries_of(self, number: int) -> frozenset[MessageId]:
        """Entries of others in a copy."""
        rows = self._connection.execute(select(EXPORT_ENTRY.c.message_id).where(EXPORT_ENTRY.c.export == number))
        return frozenset(MessageId(row.message_id) for row in rows)

    def holding(self, message_ids: Collection[MessageId]) -> Mapping[Export, Entries]:
        """The copies that hold some of these, with what they hold of them."""
        found: dict[Export, dict[MessageId, ReferralId | None]] = {}
        ids = list(message_ids)
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            joined = select(EXPORT, EXPORT_ENTRY.c.message_id, EXPORT_ENTRY.c.referral_id).join(
                EXPORT_ENTRY, EXPORT.c.number == EXPORT_ENTRY.c.export
            )
            chosen = joined.where(EXPORT.c.ended_at.is_(None), EXPORT_ENTRY.c.message_id.in_(some))
            for row in self._connection.execute(chosen.order_by(EXPORT.c.number)):
                found.setdefault(_export(row), {})[row.message_id] = row.referral_id
        return found

    def forget(self, number: int, message_ids: Collection[MessageId]) -> None:
        """These are no longer in it."""
        ids = list(message_ids)
        for start in range(0, len(ids), _AT_ONCE):
            chosen = EXPORT_ENTRY.c.message_id.in_(ids[start : start + _AT_ONCE])
            self._connection.execute(delete(EXPORT_ENTRY).where(EXPORT_ENTRY.c.export == number, chosen))

    def end(self, number: int, *, at: datetime) -> bool:
        """It does not exist any more; False where there is no such copy."""
        self._connection.execute(delete(EXPORT_ENTRY).where(EXPORT_ENTRY.c.export == number))
        ended = update(EXPORT).where(EXPORT.c.number == number, EXPORT.c.ended_at.is_(None)).values(ended_at=at)
        return self._connection.execute(ended).rowcount == 1

    def existing(self) -> Sequence[Export]:
        """All that exist, the oldest first."""
        rows = select(EXPORT).where(EXPORT.c.ended_at.is_(None)).order_by(EXPORT.c.number)
        return [_export(row) for row in self._connection.execute(rows)]


def _export(row: Row[Any]) -> Export:
    return Export(row.number, row.path, row.form, row.made_by, row.made_at, row.ended_at)
