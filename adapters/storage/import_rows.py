"""Which row of a local system became which message.

Invariant: one row a local key: the digest of the content last recorded under it, and the message that the row first became.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from adapters.storage.tables import IMPORT_ROW
from adapters.storage.upsert import upsert
from contracts.names import MessageId


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What became of one row."""

    local_key: str
    digest: bytes
    message_id: MessageId
    changed_at: datetime | None = None
    """When the row had last changed where it comes from, as far as it said so."""


class ImportRows:
    """The rows over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, local_keys: Sequence[str]) -> Mapping[str, ImportRow]:
        """What is known of these rows."""
        rows = self._connection.execute(select(IMPORT_ROW).where(IMPORT_ROW.c.local_key.in_(local_keys)))
        return {row.local_key: _read(row) for row in rows}

    def put(self, rows: Sequence[ImportRow]) -> None:
        """Remember rows, or their new content."""
        upsert(self._connection, IMPORT_ROW, [_columns(one) for one in rows])

    def rename(self, old: MessageId, new: MessageId) -> None:
        """The message was made again under another id."""
        self._connection.execute(update(IMPORT_ROW).where(IMPORT_ROW.c.message_id == old).values(message_id=new))


def _columns(row: ImportRow) -> dict[str, Any]:
    """As `dataclasses.asdict`, which copies deeply and would be a tenth of an import."""
    return {
        "local_key": row.local_key,
        "digest": row.digest,
        "message_id": row.message_id,
        "changed_at": row.changed_at,
    }


def _read(row: Row[Any]) -> ImportRow:
    return ImportRow(row.local_key, row.digest, MessageId(row.message_id), row.changed_at)
