"""The events of an export, read as the hub reads its log.

Invariant: a row that is no event of this log is told apart from one that is, and never guessed at.
"""

from collections.abc import Iterator
from typing import Final

from eventsourcing.persistence import StoredEvent

from hub.audit.bundle import Bundle, Row
from hub.domain.events import Event
from hub.infrastructure.postgres.mapper import EventMapper, StoredEventError

_MAPPER: Final = EventMapper()


def event_of(row: Row) -> Event | None:
    """The event of a row; None where there is none that this version reads."""
    try:
        return _decoded(row)
    except StoredEventError:
        return None


def events(bundle: Bundle) -> Iterator[tuple[int, Event]]:
    """Every event with its position. Raises `BundleError`, `StoredEventError`."""
    for row in bundle.rows():
        yield row.position, _decoded(row)


def _decoded(row: Row) -> Event:
    return _MAPPER.to_domain_event(StoredEvent(row.stream_id, row.stream_version, row.topic, row.state))
