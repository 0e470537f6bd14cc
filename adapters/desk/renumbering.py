"""Making messages again that the hub refused for their number or their id: after a restore the hub knows better than this unit's database.

Invariants: what the hub accepted is never made again; a message made again has a new id, names the old one as its cause, and takes its place in the
journal; a record key is numbered again only once no message of it is without an answer.
"""

from dataclasses import dataclass
from datetime import datetime

from adapters.desk.message_ids import MessageIds
from adapters.desk.restamp import rename, restamp
from adapters.desk.signer import Signer
from adapters.storage.journal import OwnState
from adapters.storage.outbox import OutboxMessage, OutboxState, Queued
from adapters.storage.unit_store import Transaction
from contracts.names import MessageId, RecordKey


@dataclass(slots=True)
class Renumbering:
    """One transaction's means to make messages again."""

    tx: Transaction
    signer: Signer
    ids: MessageIds
    at: datetime

    def run(self) -> int:
        """Make again what can be; returns how many."""
        conflicts = self.tx.numbers.renumberings()
        single = [one for one in self.tx.outbox.to_remake() if one.record_key not in conflicts]
        made = sum(self._again([one], first=one.sequence) for one in single)
        return made + sum(self._number_again(key, last) for key, last in conflicts.items())

    def _number_again(self, key: RecordKey, last_at_hub: int) -> int:
        if self.tx.outbox.of_key(key, [OutboxState.SENT]):
            return 0
        replaced = [one for one in self.tx.outbox.to_remake() if one.record_key == key]
        waiting = self.tx.outbox.of_key(key, [OutboxState.WAITING])
        again = sorted([*replaced, *waiting], key=lambda one: one.order)
        first = max(last_at_hub, self.tx.outbox.last_answered(key)) + 1
        made = self._again(again, first=first)
        self.tx.numbers.set({key: first + made - 1})
        self.tx.numbers.renumbered(key)
        return made

    def _again(self, messages: list[OutboxMessage], *, first: int) -> int:
        """New ids and numbers, with every mention of the old ids among them brought along."""
        names: dict[str, str] = {one.message_id: self.ids.next(self.at) for one in messages}
        raws = [
            restamp(rename(one.signed.payload, names), sequence=number, causationid=one.message_id)
            for number, one in enumerate(messages, first)
        ]
        queued: list[Queued] = []
        for one, signed in zip(messages, self.signer.sign(raws) if raws else [], strict=True):
            new = MessageId(names[one.message_id])
            number = first + len(queued)
            queued.append(Queued(new, one.record_key, number, signed, one.lane))
            self.tx.outbox.replace(one.message_id, new)
            self.tx.journal.change(one.message_id, message_id=new, payload=signed.payload, state=OwnState.WAITING)
            self.tx.import_rows.rename(one.message_id, new)
        self.tx.outbox.put(queued, at=self.at)
        return len(queued)
