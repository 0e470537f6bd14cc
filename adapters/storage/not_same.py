"""Pairs of clients of whom a person said that they are not the same, so that nobody is asked twice.

Invariant: a pair is one, whatever its order.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, Connection, String, Table, select

from adapters.drafts import ClientKey
from adapters.storage.column_types import Instant
from adapters.storage.tables import METADATA
from adapters.storage.upsert import upsert

NOT_SAME: Final = Table(
    "not_same",
    METADATA,
    Column("one", String(200), primary_key=True),
    Column("other", String(200), primary_key=True),
    Column("decided_at", Instant, nullable=False),
)


class NotSame:
    """The decisions over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def decide(self, one: ClientKey, other: ClientKey, *, at: datetime) -> None:
        """These are two people."""
        first, second = sorted((one, other))
        upsert(self._connection, NOT_SAME, [{"one": first, "other": second, "decided_at": at}])

    def pairs(self) -> frozenset[tuple[ClientKey, ClientKey]]:
        """Every pair, each in alphabetical order."""
        rows = self._connection.execute(select(NOT_SAME.c.one, NOT_SAME.c.other))
        return frozenset((ClientKey(one), ClientKey(other)) for one, other in rows)
