"""Which stream an event opens, read off its first event.

Invariants: a stream is one per (record key, kind, key) and has a random id that the application gave it; only its first event (version 1) names it.
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from contracts.names import RecordKey
from hub.domain.events import Event, MessageAccepted, MessageRefused, StreamKind

_FIRST = 1


class Stream(NamedTuple):
    """A row of `stream`."""

    stream_id: UUID
    record_key: RecordKey
    kind: StreamKind
    key: str


def opened(events: Iterable[Event]) -> list[Stream]:
    """The streams whose first event is among `events`."""
    return [_stream(event) for event in events if event.originator_version == _FIRST]


def _stream(event: Event) -> Stream:
    if isinstance(event, MessageAccepted | MessageRefused):
        return Stream(event.originator_id, event.key, event.stream, event.stream_key)
    raise TypeError(f"{type(event).__name__} names no stream")
