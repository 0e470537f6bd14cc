"""When a message that the broker has, but the hub has not answered, is sent again (DESIGN section 5). Pure.

Invariants: a message is sent again only for a reason: its broker is gone (another incarnation), or a head of the same incarnation says that the hub
has read past it without a receipt, or nothing was heard for a while; then only the oldest open message goes, with a pause that doubles up to five
minutes and starts anew with every answer. Pauses are monotonic seconds: a story clock that jumps a month makes no storm. Order is kept, so a message
never overtakes an earlier one of its subject.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.storage.outbox import OutboxMessage
from contracts.feed_head import FeedHead, InboxMark

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0

Marks = Mapping[int, InboxMark]
"""How far the hub has read each partition of the inbox, as its newest heads say."""


def marks_of(heads: Iterable[FeedHead]) -> Marks:
    """The marks of the newest head of each shard; a partition belongs to one shard."""
    by_age = sorted(heads, key=lambda head: head.time)
    return {mark.partition: mark for head in by_age for mark in head.inbox}


def lost(open_messages: Sequence[OutboxMessage], *, incarnation: str | None, marks: Marks) -> list[OutboxMessage]:
    """Which messages have to go again at once, in their order. `incarnation` is the broker as it is now; None when not known yet."""
    return [one for one in open_messages if _other_broker(one, incarnation) or _passed_over(one, marks)]


def _other_broker(message: OutboxMessage, incarnation: str | None) -> bool:
    return incarnation is not None and message.incarnation != incarnation


def _passed_over(message: OutboxMessage, marks: Marks) -> bool:
    mark = None if message.partition is None else marks.get(message.partition)
    if mark is None or message.offset is None or mark.incarnation != message.incarnation:
        return False
    return mark.next_offset > message.offset


@dataclass(slots=True)
class Patience:
    """How long to wait for an answer before the oldest open message goes again. Times are monotonic seconds."""

    first: float = FIRST_PAUSE
    longest: float = LONGEST_PAUSE
    _pause: float = 0.0
    _until: float | None = None

    def waiting(self, now: float) -> None:
        """Something is open; the pause starts unless it runs."""
        if self._until is None:
            self._pause = self.first
            self._until = now + self._pause

    def answered(self) -> None:
        """A receipt came: the next pause is a short one."""
        self._until = None

    def over(self, now: float) -> bool:
        """True when the oldest is to go again."""
        return self._until is not None and now >= self._until

    def sent_again(self, now: float) -> None:
        """The oldest went again: wait twice as long."""
        self._pause = min(self._pause * 2, self.longest)
        self._until = now + self._pause

    def left(self, now: float) -> float | None:
        """Seconds until then; None when nothing is waited for."""
        return None if self._until is None else max(0.0, self._until - now)
