"""What one transaction sends on its way: numbered in order, sealed, signed together, put into the outbox.

Invariants: numbers follow the last one stored, without a gap, per record key; they are stored with the messages that bear them, and so are the
content keys that seal them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapters.desk.message_ids import MessageIds
from adapters.desk.sealing import Deposit, Sealing
from adapters.desk.signer import Signer
from adapters.storage.journal import changes_grounds
from adapters.storage.outbox import Lane, Queued
from adapters.storage.unit_store import Transaction
from contracts.envelope import compose
from contracts.names import MessageId, MessageType, RecordKey, SubjectId


@dataclass(slots=True)
class Outgoing:
    """Messages made in one transaction and not yet written."""

    tx: Transaction
    signer: Signer
    lane: Lane
    sealing: Sealing
    ids: MessageIds
    lasts: dict[RecordKey, int] = field(default_factory=dict)
    """Numbers given last, as far as they were looked up."""
    _changed: set[RecordKey] = field(default_factory=set)
    _pending: list[tuple[MessageId, RecordKey, int, bytes, bytes | None]] = field(default_factory=list)

    def prefetch(self, keys: Sequence[RecordKey]) -> None:
        """Look up the last numbers of many keys at once."""
        lacking = [key for key in keys if key not in self.lasts]
        if lacking:
            self.lasts.update(dict.fromkeys(lacking, 0) | self.tx.numbers.lasts(lacking))
        self.sealing.prefetch(keys)

    def make_way(self, key: RecordKey, message_type: MessageType, scope: str | None, *, at: datetime) -> None:
        """Before a message is numbered: new keys where it changes grounds, and the deposit of the one that will seal it where that is new."""
        if changes_grounds(message_type):
            self.sealing.turn(key)
        if scope is not None and self.sealing.lacks(key, scope):
            self._deposit(key, self.sealing.make(key, scope), at=at)

    def next_number(self, key: RecordKey) -> int:
        """The number that the next message of this key will bear."""
        if key not in self.lasts:
            self.lasts[key] = self.tx.numbers.last(key)
        return self.lasts[key] + 1

    def add(self, message_id: MessageId, key: RecordKey, raw: bytes, *, scope: str | None = None) -> None:
        """Take a message that was composed with `next_number(key)`, to be sealed under the key of its scope."""
        self._take(message_id, key, raw if scope is None else self.sealing.sealed(raw, key, scope), None)

    def _deposit(self, key: RecordKey, made: Deposit, *, at: datetime) -> None:
        message_id = self.ids.next(at)
        raw = compose(
            made.facts,
            id=message_id,
            source=self.signer.source,
            time=at,
            programme=self.signer.programme,
            sequence=self.next_number(key),
            subject=SubjectId(key),
        )
        self._take(message_id, key, raw, made.header)

    def _take(self, message_id: MessageId, key: RecordKey, raw: bytes, header: bytes | None) -> None:
        self.lasts[key] = number = self.next_number(key)
        self._changed.add(key)
        self._pending.append((message_id, key, number, raw, header))

    def write(self, *, at: datetime) -> None:
        """Sign what is pending and put it into the outbox."""
        if not self._pending:
            return
        self.sealing.write()
        signed = self.signer.sign([raw for _, _, _, raw, _ in self._pending])
        queued = [
            Queued(message_id, key, number, one, self.lane, header)
            for (message_id, key, number, _, header), one in zip(self._pending, signed, strict=True)
        ]
        self.tx.outbox.put(queued, at=at)
        self.tx.numbers.set({key: self.lasts[key] for key in sorted(self._changed)})
        self._pending.clear()
        self._changed.clear()
