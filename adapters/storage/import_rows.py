"""Which row of a local system became which message.

Invariant: one row a local key: the digest of the content last recorded under it, and the message that the row first became.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from adapters.storage.tables import IMPORT_ROW
from adapters.storage.upsert import upsert
from contracts.names import MessageId


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What became of one row."""

    local_key: str
    digest: bytes
    message_id: MessageId


class ImportRows:
    """The rows over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, local_keys: Sequence[str]) -> Mapping[str, ImportRow]:
        """What is known of these rows."""
        rows = self._connection.execute(select(IMPORT_ROW).where(IMPORT_ROW.c.local_key.in_(local_keys)))
        return {row.local_key: ImportRow(row.local_key, row.digest, MessageId(row.message_id)) for row in rows}

    def put(self, rows: Sequence[ImportRow]) -> None:
        """Remember rows, or their new content."""
        columns = [{"local_key": one.local_key, "digest": one.digest, "message_id": one.message_id} for one in rows]
        upsert(self._connection, IMPORT_ROW, columns)

    def rename(self, old: MessageId, new: MessageId) -> None:
        """The message was made again under another id."""
        self._connection.execute(update(IMPORT_ROW).where(IMPORT_ROW.c.message_id == old).values(message_id=new))
