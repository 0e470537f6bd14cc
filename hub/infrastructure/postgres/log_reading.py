"""Reading the log as events, for whoever holds a session on the shard.

Invariants: entries come in log order; only committed events are seen, and since every append locks the head row none can appear later behind one
that was read.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from eventsourcing.persistence import StoredEvent

from contracts.names import MessageId, RecordKey, Source
from hub.application.ports import Indexed, LogEntry
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session
from projections.kafka.positions import InputPosition

_SQL = queries("log")


class LogReading:
    """Reads over `session`. All methods raise `StoreUnavailableError`, `StoredEventError`, `KeyEncryptionError`."""

    def __init__(self, session: Session, mapper: EventMapper) -> None:
        self._session = session
        self._mapper = mapper

    def read(self, position: int, *, limit: int) -> Sequence[LogEntry]:
        """Events from `position` on, at most `limit`."""
        return self._entries(self._rows("read", {"position": position, "limit": limit}))

    def at(self, positions: Sequence[int]) -> Sequence[LogEntry]:
        """The events at these positions, as far as they exist."""
        return self._entries(self._rows("at", {"positions": list(positions)})) if positions else ()

    def load(self, keys: Sequence[RecordKey], *, below: int | None = None) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys, or those before a position; absent keys are left out. One round trip."""
        found: dict[RecordKey, list[LogEntry]] = {}
        if keys:
            for entry in self._entries(self._rows("load", {"keys": list(keys), "below": below})):
                found.setdefault(entry.event.key, []).append(entry)
        return found

    def find(self, ids: Sequence[tuple[Source, MessageId]]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of these messages came before. One round trip."""
        if not ids:
            return {}
        asked = {"sources": [source for source, _ in ids], "ids": [message_id for _, message_id in ids]}
        found = (Indexed(Source(source), MessageId(one), *rest) for source, one, *rest in self._rows("find", asked))
        return {(one.source, one.message_id): one for one in found}

    def published(self, source: Source, *, after: int, limit: int) -> Sequence[int]:
        """Positions beyond `after` of the accepted messages of a source, in order."""
        return [row[0] for row in self._rows("published", {"source": source, "after": after, "limit": limit})]

    def input_positions(self) -> Sequence[InputPosition]:
        """How far the writer has read each partition."""
        return [InputPosition(*row) for row in self._rows("input_positions", {})]

    def _rows(self, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self._session.use() as connection:
            return connection.execute(_SQL[query], values, binary=True).fetchall()

    def _entries(self, rows: Sequence[tuple[Any, ...]]) -> list[LogEntry]:
        events = self._mapper.to_domain_events([StoredEvent(*stored) for _, *stored in rows], self._session)
        return [LogEntry(row[0], event, sha256(row[-1]).digest()) for row, event in zip(rows, events, strict=True)]
