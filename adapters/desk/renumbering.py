"""Making messages again that the hub refused for their number or their id (after a restore the hub knows better than this unit's database), or for a
content key that did not reach it.

Invariants: what the hub accepted is never made again; a message made again has a new id, names the old one as its cause, and takes its place in the
journal; a record key is numbered again only once no message of it is without an answer. A message key follows from the id, so content is sealed
again, under the same content key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.desk.message_ids import MessageIds
from adapters.desk.restamp import rename, restamp
from adapters.desk.sealing import Sealing, sealed_again
from adapters.desk.signer import Signer
from adapters.storage.journal import OwnState
from adapters.storage.outbox import OutboxMessage, OutboxState, Queued
from adapters.storage.unit_store import Transaction
from contracts import strict_json
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.messages.key import KeyDeposited
from contracts.names import MessageId, RecordKey


@dataclass(frozen=True, slots=True)
class _Again:
    """A message made again: in clear, as it leaves, and the key beside it."""

    clear: bytes
    leaving: bytes
    deposit: bytes | None = None


@dataclass(slots=True)
class Renumbering:
    """One transaction's means to make messages again."""

    tx: Transaction
    signer: Signer
    ids: MessageIds
    at: datetime
    sealing: Sealing

    def run(self) -> int:
        """Make again what can be; returns how many."""
        conflicts = self.tx.numbers.renumberings()
        single = [one for one in self.tx.outbox.to_remake() if one.record_key not in conflicts]
        made = sum(self._one_again(one) for one in single)
        return made + sum(self._number_again(key, last) for key, last in conflicts.items())

    def _one_again(self, message: OutboxMessage) -> int:
        """Under its number where that is free; what the hub has counted goes to the end."""
        outcome = self.tx.receipts.outcomes([message.message_id]).get(message.message_id)
        if outcome is None or outcome.code is not RefusalCode.KEY_MISSING:
            return self._again([message], first=message.sequence)
        if not self.sealing.reaches_another(message.deposit):
            return 0  # a newer trust list brings the key that the hub has
        number = self.tx.numbers.last(message.record_key) + 1
        self.tx.numbers.set({message.record_key: number})
        return self._again([message], first=number)

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
        made = [self._made_again(one, names, number) for number, one in enumerate(messages, first)]
        signatures = self.signer.sign([one.leaving for one in made]) if made else []
        queued: list[Queued] = []
        for one, again, signed in zip(messages, made, signatures, strict=True):
            new = MessageId(names[one.message_id])
            number = first + len(queued)
            queued.append(Queued(new, one.record_key, number, signed, one.lane, again.deposit))
            self.tx.outbox.replace(one.message_id, new)
            self.tx.journal.change(one.message_id, message_id=new, payload=again.clear, state=OwnState.WAITING)
            self.tx.import_rows.rename(one.message_id, new)
        self.tx.outbox.put(queued, at=self.at)
        return len(queued)

    def _made_again(self, one: OutboxMessage, names: Mapping[str, str], number: int) -> _Again:
        before = parse(one.signed.payload)
        entry = self.tx.journal.find(one.message_id)
        document = one.signed.payload if entry is None or entry.payload is None else entry.payload
        clear = restamp(rename(document, names), sequence=number, causationid=one.message_id)
        if isinstance(before.facts, KeyDeposited):
            return self._deposit_again(one, before.facts, clear)
        return _Again(clear, sealed_again(self.tx, clear, before))

    def _deposit_again(self, one: OutboxMessage, facts: KeyDeposited, clear: bytes) -> _Again:
        """Sealed to the key service's key of now: the one of then may be what was missing."""
        own = self.tx.content_keys.find(facts.key_id)
        if own is None or not self.sealing.on:
            return _Again(clear, clear, one.deposit)
        deposit = self.sealing.deposit_of(own)
        document = strict_json.parse(clear)
        document["data"] = {"facts": deposit.facts.model_dump(mode="json")}
        raw = strict_json.canonical(document)
        return _Again(raw, raw, deposit.header)
