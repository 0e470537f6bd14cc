"""What has been kept long enough is said to be erased, client by client (DESIGN section 9).

Invariants: the log is walked once a category, in its order, up to what is old enough; the place is moved on only when everything before it is erased
in the log itself, so that what a broker lost is said again; one message a client, category and day, whose id follows from them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Protocol

from contracts.categories import Category
from contracts.envelope import MessageError
from contracts.messages.erasure import RetentionEnded
from contracts.names import RecordKey, SubjectId
from contracts.signed_bytes import SignedBytes
from hub.application.case_files import fold
from hub.application.hub_voice import HubVoice
from hub.application.ports import LogEntry
from hub.domain.events import MessageAccepted
from hub.domain.outlines import said_in
from hub.domain.recipients import erased

CHUNK: Final = 500
AT_ONCE: Final = 20
"""Chunks that one walk reads at most: the relay has other work."""


class RetentionStore(Protocol):
    """What of the relay's store retention needs."""

    def read(self, position: int, *, limit: int) -> Sequence[LogEntry]:
        """Committed events from `position` on, in order."""

    def load(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys in log order."""

    def retention(self) -> Mapping[Category, int]:
        """Of each category the position up to which the log holds nothing that should be erased."""

    def retained(self, category: Category, position: int, *, epoch: int) -> None:
        """Move a category's place on. Raises `FencedError`."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What is to stand on the inbox under a client's key."""

    key: RecordKey
    signed: SignedBytes


class Retention:
    """Walks the log of one shard. Not thread-safe."""

    def __init__(self, store: RetentionStore, voice: HubVoice) -> None:
        self._store = store
        self._voice = voice

    def ended(self, periods: Mapping[Category, int], at: datetime, *, epoch: int) -> list[Ended]:
        """What the log is still to be told, the same until it holds it; nothing where all that is old enough is erased."""
        places = self._store.retention()
        said: list[Ended] = []
        for category, days in sorted(periods.items()):
            before = _midnight(at - timedelta(days=days))
            said += self._walk(category, before, places.get(category, 0), epoch=epoch)
        return said

    def _walk(self, category: Category, before: datetime, position: int, *, epoch: int) -> Iterator[Ended]:
        for _ in range(AT_ONCE):
            old = [one for one in self._store.read(position, limit=CHUNK) if one.event.at < before]
            due = self._due(old, category, before)
            yield from (self._say(key, category, before) for key in due)
            if due or not old:
                return
            position = old[-1].position + 1
            self._store.retained(category, position, epoch=epoch)

    def _due(self, old: Sequence[LogEntry], category: Category, before: datetime) -> list[RecordKey]:
        """Clients of whom something old of this category is not erased yet."""
        keys = sorted({one.event.key for one in old if _category_of(one) is category})
        paths = {key: fold(key, events).path for key, events in self._store.load(keys).items()} if keys else {}
        limit = int(before.timestamp())
        return [
            key
            for key, path in sorted(paths.items())
            if any(
                entry.category is category and entry.recorded < limit and not erased(path, entry)
                for entry in path.entries.values()
            )
        ]

    def _say(self, key: RecordKey, category: Category, before: datetime) -> Ended:
        facts = RetentionEnded(category=category, recorded_before=before)
        name = f"retention/{key}/{category}/{before.isoformat()}"
        return Ended(key, self._voice.say(facts, name=name, at=before, subject=SubjectId(key))[1])


def _midnight(at: datetime) -> datetime:
    """The beginning of its day, so that a day's entries end together."""
    return datetime.combine(at.astimezone(UTC).date(), time(), tzinfo=UTC)


def _category_of(one: LogEntry) -> Category | None:
    if not isinstance(one.event, MessageAccepted):
        return None
    try:
        return said_in(one.event).category
    except MessageError:
        return None
