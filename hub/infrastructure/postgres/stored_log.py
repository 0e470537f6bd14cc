"""The log as bytes: what the ledger commits to and an export carries, without looking inside.

Invariant: rows come in the order of positions, without gaps; only committed ones are seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.names import RecordKey
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session

_SQL = queries("log")
_FETCHED = 2000


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

    def by_record_key(
        self, size: int, *, keys: Sequence[RecordKey] | None = None, until: datetime | None = None
    ) -> Iterator[tuple[RecordKey, StoredRow]]:
        """Rows below a position, those of one record key together and the hub's own last; of `keys` (None: of all) and the hub's."""
        asked = {"size": size, "keys": None if keys is None else list(keys), "until": until}
        with self._session.transaction() as connection, connection.cursor(name="by_record_key", binary=True) as cursor:
            cursor.itersize = _FETCHED
            cursor.execute(_SQL["by_record_key"], asked)
            for key, place, stream, version, topic, state in cursor:
                yield RecordKey(key), StoredRow(place, stream, version, topic, bytes(state))

    def record_keys_between(self, size: int, *, since: datetime | None, until: datetime | None) -> list[RecordKey]:
        """About whom something was recorded in a period."""
        asked = {"size": size, "since": since, "until": until}
        with self._session.use() as connection:
            found = connection.execute(_SQL["record_keys_between"], asked).fetchall()
        return [RecordKey(key) for (key,) in found]

    def states(self, position: int, *, limit: int) -> Sequence[bytes]:
        """The stored states from a position on."""
        with self._session.use() as connection:
            found = connection.execute(_SQL["states"], {"position": position, "limit": limit}, binary=True).fetchall()
        return [bytes(state) for (state,) in found]
