"""The log as bytes: what the ledger commits to and an export carries, without looking inside.

Invariant: rows come in the order of positions, without gaps; only committed ones are seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session

_SQL = queries("log")


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of the log."""

    position: int
    stream_id: UUID
    stream_version: int
    topic: str
    state: bytes


class StoredLog:
    """Rows over a session. Methods raise `StoreUnavailableError`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, position: int, *, limit: int) -> Sequence[StoredRow]:
        """Rows from a position on."""
        with self._session.use() as connection:
            found = connection.execute(_SQL["read"], {"position": position, "limit": limit}, binary=True).fetchall()
        return [
            StoredRow(place, stream, version, topic, bytes(state)) for place, stream, version, topic, state in found
        ]

    def states(self, position: int, *, limit: int) -> Sequence[bytes]:
        """The stored states from a position on."""
        return [row.state for row in self.rows(position, limit=limit)]
