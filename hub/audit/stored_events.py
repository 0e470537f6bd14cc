"""The events of an export, read as the hub reads its log.

Invariants: a row that is no event of this log is told apart from one that is, and never guessed at; a key opens a state only where the state names
it by its fingerprint, so that keys beside the rows need no proof of their own.
"""

from functools import lru_cache
from typing import Final

from eventsourcing.persistence import StoredEvent

from hub.application.ports import LogEntry
from hub.audit.bundle import Row
from hub.domain.events import Event
from hub.infrastructure.postgres.log_keys import Found
from hub.infrastructure.postgres.mapper import EventMapper, StoredEventError
from hub.infrastructure.postgres.state_cipher import KEY_LENGTH, StateKey, keys_named

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
    return _MAPPER.to_domain_event(
        StoredEvent(row.stream_id, row.stream_version, row.topic, row.state), _found(row) if row.keys else None
    )


def _found(row: Row) -> Found:
    """The keys beside a row; the one of its signed bytes may be missing."""
    try:
        keys = {key.key_id: key for key in map(_key, _cut(row.keys))}
        return dict.fromkeys(keys_named(row.state)[1:]) | keys
    except ValueError:
        return {}


def _cut(keys: bytes) -> list[bytes]:
    return [keys[begin : begin + KEY_LENGTH] for begin in range(0, len(keys), KEY_LENGTH)]


@lru_cache(maxsize=4096)  # rows of one client lie together, and those of a month share the key of what was decided
def _key(secret: bytes) -> StateKey:
    return StateKey.of(secret)
