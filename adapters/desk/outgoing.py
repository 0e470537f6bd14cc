"""What one transaction sends on its way: numbered in order, signed together, put into the outbox.

Invariant: numbers follow the last one stored, without a gap, per record key; they are stored with the messages that bear them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapters.desk.signer import Signer
from adapters.storage.outbox import Lane, Queued
from adapters.storage.unit_store import Transaction
from contracts.names import MessageId, RecordKey


@dataclass(slots=True)
class Outgoing:
    """Messages made in one transaction and not yet written."""

    tx: Transaction
    signer: Signer
    lane: Lane
    lasts: dict[RecordKey, int] = field(default_factory=dict)
    """Numbers given last, as far as they were looked up."""
    _changed: set[RecordKey] = field(default_factory=set)
    _pending: list[tuple[MessageId, RecordKey, int, bytes]] = field(default_factory=list)

    def prefetch(self, keys: Sequence[RecordKey]) -> None:
        """Look up the last numbers of many keys at once."""
        lacking = [key for key in keys if key not in self.lasts]
        if lacking:
            self.lasts.update(dict.fromkeys(lacking, 0) | self.tx.numbers.lasts(lacking))

    def next_number(self, key: RecordKey) -> int:
        """The number that the next message of this key will bear."""
        if key not in self.lasts:
            self.lasts[key] = self.tx.numbers.last(key)
        return self.lasts[key] + 1

    def add(self, message_id: MessageId, key: RecordKey, raw: bytes) -> None:
        """Take a message that was composed with `next_number(key)`."""
        number = self.next_number(key)
        self.lasts[key] = number
        self._changed.add(key)
        self._pending.append((message_id, key, number, raw))

    def write(self, *, at: datetime) -> None:
        """Sign what is pending and put it into the outbox."""
        if not self._pending:
            return
        signed = self.signer.sign([raw for _, _, _, raw in self._pending])
        queued = [
            Queued(message_id, key, number, one, self.lane)
            for (message_id, key, number, _), one in zip(self._pending, signed, strict=True)
        ]
        self.tx.outbox.put(queued, at=at)
        self.tx.numbers.set({key: self.lasts[key] for key in sorted(self._changed)})
        self._pending.clear()
        self._changed.clear()
