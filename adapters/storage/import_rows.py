"""Which row of a local system became which message.

Invariant: one row a local key: the digest of the content last recorded under it, and the message that the row first became.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select, update

from adapters.storage.many_rows import Columns, among, upsert_rows
from adapters.storage.tables import IMPORT_ROW
from contracts.names import MessageId


class ImportRow(NamedTuple):
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
        chosen = among(IMPORT_ROW.c.local_key, local_keys)
        rows = self._connection.execute(select(IMPORT_ROW).where(chosen))
        return {row.local_key: _read(row) for row in rows}

    def put(self, rows: Sequence[ImportRow]) -> None:
        """Remember rows, or their new content."""
        columns: Columns = {
            "local_key": [one.local_key for one in rows],
            "digest": [one.digest for one in rows],
            "message_id": [one.message_id for one in rows],
            "changed_at": [one.changed_at for one in rows],
        }
        upsert_rows(self._connection, IMPORT_ROW, columns)

    def rename(self, old: MessageId, new: MessageId) -> None:
        """The message was made again under another id."""
        self._connection.execute(update(IMPORT_ROW).where(IMPORT_ROW.c.message_id == old).values(message_id=new))


def _read(row: Row[Any]) -> ImportRow:
    return ImportRow(row.local_key, row.digest, MessageId(row.message_id), row.changed_at)
