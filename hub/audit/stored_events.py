"""The events of an export, read as the hub reads its log.

Invariant: a row that is no event of this log is told apart from one that is, and never guessed at.
"""

from typing import Final

from eventsourcing.persistence import StoredEvent

from hub.application.ports import LogEntry
from hub.audit.bundle import Row
from hub.domain.events import Event
from hub.infrastructure.postgres.mapper import EventMapper, StoredEventError

_MAPPER: Final = EventMapper()


def event_of(row: Row) -> Event | None:
    """The event of a row; None where there is none that this version reads, or none of the row's own record key."""
    try:
        event = _decoded(row)
    except StoredEventError:
        return None
    return event if event.key == row.key else None


def entry_of(row: Row) -> LogEntry:
    """The event of a row with its position. Raises `StoredEventError`."""
    return LogEntry(row.position, _decoded(row))


def _decoded(row: Row) -> Event:
    return _MAPPER.to_domain_event(StoredEvent(row.stream_id, row.stream_version, row.topic, row.state))
