"""Two units of a programme that is no trial, and a hub between them that opens deposits and releases keys as it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey, Draft
from adapters.exchange.publisher import record_of
from adapters.process.journal_source import JournalSource
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.grants import to_unit
from contracts.kafka_record import SEALED_KEY, from_record
from contracts.messages.key import KeyDeposited
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import GroundId, MessageId, SubjectId
from contracts.sealing.content import sealed_under
from contracts.sealing.content_key import ContentKey, KeyLabel, message_key
from contracts.sealing.deposit import joined, named_custodians, open_share, read_deposit
from projections.parsed import ParsedItem, parse_journal
from tests.simulated_hub import FOR_EVER, NOON, PROGRAMME, SimulatedHub
from tests.unit.adapters.reading_unit import OP, UP, ReadingUnit, TurnedClock

if TYPE_CHECKING:
    from pathlib import Path

    from contracts.envelope import Message
    from contracts.signed_bytes import SignedBytes

KAREL = ClientKey("karel")
FINDING = "Tři měsíce nezaplatil nájem."


@dataclass
class Sent:
    """One message as it left, with the key that travelled beside it."""

    message: Message
    signed: SignedBytes
    header: bytes | None


@dataclass
class SealedPair:
    """OP records, UP reads."""

    folder: Path
    hub: SimulatedHub = field(default_factory=lambda: SimulatedHub(sealing=True))
    clock: TurnedClock = field(default_factory=TurnedClock)

    def __post_init__(self) -> None:
        for unit in (OP, UP):
            (self.folder / unit).mkdir()
        self.writer = ReadingUnit(self.folder / OP, self.hub, self.clock, OP)
        self.store = self.writer.store
        signer = Signer(PROGRAMME, self.hub.unit_keys[OP])
        self.desk = Desk(self.store, signer=signer, directory=lambda: self.hub.directory, clock=self.clock)
        self.reader = ReadingUnit(self.folder / UP, self.hub, self.clock)
        self.feed = self.reader.feed
        self.deposited: dict[str, tuple[KeyLabel, ContentKey]] = {}
        self.sent: list[Sent] = []

    def close(self) -> None:
        self.store.close()
        self.reader.store.close()

    # what is typed at OP

    def consent(self, *categories: Category) -> GroundId:
        """Karel agrees that UP reads these."""
        wanted = categories or (Category.HOUSING, Category.HEALTH)
        terms = Terms((OP,), [to_unit(UP)], wanted, FOR_EVER[1], FOR_EVER[0])
        return self.desk.take_consent(KAREL, terms, Paper(explicit=Category.HEALTH in wanted)).consent_id

    def need(self, finding: str = FINDING, category: Category = Category.HOUSING) -> MessageId:
        """A finding about Karel."""
        facts = NeedAssessed(dimension=Category.HOUSING, level="urgent")
        recorded = self.desk.record(
            Draft(KAREL, facts, self.clock.now(), category=category, content=NeedContent(finding=finding))
        )
        assert recorded.message_id is not None, recorded
        return recorded.message_id

    # what the hub sees

    def take(self) -> list[Sent]:
        """What left since the last call, as records on the inbox; deposits are opened."""
        with self.store.read() as tx:
            waiting = tx.outbox.next_to_send(500)
        before = {one.message.id for one in self.sent}
        records = [record_of(one, 4) for one in waiting if one.message_id not in before]
        new = [_sent(record.value, dict(record.headers)) for record in records]
        for one in new:
            if isinstance(one.message.facts, KeyDeposited):
                self._deposit(one, one.message.facts)
        self.sent += new
        return new

    def _deposit(self, sent: Sent, facts: KeyDeposited) -> None:
        assert sent.header is not None
        assert sha256(sent.header).hexdigest() == facts.deposit_hash
        shares = read_deposit(sent.header)
        assert named_custodians(shares) == [self.hub.deposits.key_id]
        label = KeyLabel(PROGRAMME, OP, sent.message.subject or "", facts.scope, facts.epoch)
        opened = [open_share(one, self.hub.deposits, label, key_id=facts.key_id) for one in shares.shares]
        self.deposited[facts.key_id] = (label, joined(opened, facts.key_id))

    def key_of(self, sent: Sent) -> tuple[KeyLabel, ContentKey]:
        """The content key of a message, which was deposited before it."""
        return self.deposited[sealed_under(sent.message) or ""]

    def whole(self, sent: Sent) -> bytes:
        """The release of its content key to UP."""
        return self.feed.release(*self.key_of(sent))

    def single(self, sent: Sent) -> bytes:
        """The release of its message key to UP."""
        label, key = self.key_of(sent)
        return self.feed.release(label, key, secret=message_key(key, sent.message), message_id=sent.message.id)

    def answer(self, sent: Sent, code: RefusalCode | None = None) -> None:
        """OP's feed brings the hub's answer, and OP does what follows."""
        batch = self.writer.records(self.writer.feed.receipt(sent.signed, code=code))
        if self.writer.intake.take(batch).to_renumber:
            self.desk.tend(())

    # what UP sees

    def read(self, *records: bytes) -> None:
        """The feed brings these."""
        self.reader.intake.take(self.reader.records(*records))

    def shown(self, message_id: MessageId) -> ParsedItem:
        """An entry as UP's read models get it."""
        items = JournalSource(self.reader.store).read(-1, 1000)
        return next(parse_journal(one) for one in items if one.message_id == message_id)

    def finding(self, message_id: MessageId) -> str | None:
        """What UP reads of a finding; None while it does not open."""
        content = self.shown(message_id).content_json
        return None if content is None else NeedContent.model_validate_json(content).finding

    @property
    def subject(self) -> SubjectId:
        """Karel."""
        with self.store.read() as tx:
            found = tx.clients.subject_of(KAREL)
        assert found is not None
        return found


def _sent(value: bytes | None, headers: dict[str, bytes]) -> Sent:
    signed = from_record(value, list(headers.items()))
    return Sent(parse(signed.payload), signed, headers.get(SEALED_KEY))


__all__ = ["FINDING", "KAREL", "NOON", "OP", "UP", "SealedPair", "Sent"]
