"""The log as the read models' runner reads it.

Invariants: positions are the numbers, without gaps; an item tells who spoke and what was decided, and bears the exact message; nothing is left out,
refusals and what was erased included.
"""

from collections.abc import Sequence

from contracts.names import MessageId, Source, unit_of
from contracts.strict_json import parse
from hub.application.ports import LogEntry
from hub.domain.events import Event, MessageAccepted, MessageRefused
from hub.domain.outlines import said_in
from hub.infrastructure.postgres.follower_store import FollowerStore
from projections.source import LogBackfill, LogItem, LogRecipient


class LogSource:
    """`projections.source.Log` over a follower of one shard. Methods raise `StoreUnavailableError`, `StoredEventError`."""

    def __init__(self, follower: FollowerStore) -> None:
        self._follower = follower

    def read(self, after: int, limit: int) -> Sequence[LogItem]:
        """Committed events behind position `after`, in order."""
        return [item_of(entry) for entry in self._follower.read(after + 1, limit=limit)]

    def end(self) -> int:
        """The position of the last event, -1 while there is none."""
        return self._follower.head().position - 1


def item_of(entry: LogEntry) -> LogItem:
    """An event as read models see it. Raises `TypeError` for an event of unknown kind."""
    event: Event = entry.event
    if isinstance(event, MessageRefused):
        return LogItem(
            position=entry.position,
            at=event.at,
            key=event.key,
            message_id=event.message_id,
            author=unit_of(event.source),
            verdict="refused",
            code=event.code,
        )
    if not isinstance(event, MessageAccepted):
        raise TypeError(f"the log holds an event of unknown kind {event.TOPIC} at {entry.position}")
    erased = said_in(event) if event.erased else None
    document = parse(event.message.payload) if erased is None else {"id": erased.id, "source": erased.source}
    return LogItem(
        position=entry.position,
        at=event.at,
        key=event.key,
        message_id=MessageId(str(document["id"])),
        author=unit_of(Source(str(document["source"]))),
        verdict="accepted",
        payload=None if event.erased else event.message.payload,
        outline=erased,
        recipients=tuple(LogRecipient(given.unit, given.ground) for given in event.recipients),
        backfills=tuple(LogBackfill(one.unit, one.ground, one.source, one.through) for one in event.backfills),
    )
