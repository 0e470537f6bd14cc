"""A unit whose database is older than what the hub knows of it (a restored backup, or a new database under the old key).

Invariants: as long as a shard of the hub has not given back the unit's own messages, nothing about a client leaves, since its number may be taken;
what comes back takes its place in the journal once; a waiting message that bears a number which came back is numbered again before it leaves.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, Integer, String, Table, delete, select, update

from adapters.storage.column_types import Instant
from adapters.storage.tables import METADATA
from adapters.storage.upsert import upsert
from contracts.names import MessageId

RECOVERY: Final = Table(
    "recovery",
    METADATA,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("request_id", String(36)),
    Column("begun_at", Instant, nullable=False),
)
"""Shards that still owe the unit its own messages, each with the message that asked for them."""


class Recovery:
    """What is still to come back, over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, shards: Iterable[int], *, at: datetime) -> None:
        """The database was restored: these shards know more than it does."""
        rows = [{"shard": shard, "request_id": None, "begun_at": at} for shard in shards]
        upsert(self._connection, RECOVERY, rows)

    def open(self) -> Mapping[int, MessageId | None]:
        """Shards that have not answered yet, with what was asked; None where nothing was asked yet."""
        rows = self._connection.execute(select(RECOVERY).order_by(RECOVERY.c.shard))
        return {row.shard: None if row.request_id is None else MessageId(row.request_id) for row in rows}

    def asked(self, shard: int, request_id: MessageId) -> None:
        """The request to a shard is on its way (or was made again under another id)."""
        self._connection.execute(update(RECOVERY).where(RECOVERY.c.shard == shard).values(request_id=request_id))

    def done(self, shard: int) -> None:
        """Everything of this shard is here."""
        self._connection.execute(delete(RECOVERY).where(RECOVERY.c.shard == shard))
