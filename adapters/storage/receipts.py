"""The hub's answers, and what each does to the outbox, the journal and the quarantine.

Invariants: the first receipt of a message counts, any further one changes nothing, but that a restored hub lacks a key which it had taken; a receipt
about other bytes than those sent is not this message's; what is refused is kept in quarantine with its reason and in clear, but for a number or an
id that the hub knows from before, and a deposited key that it lacks: that is mended without a person; and but for a pairing code that leads nowhere,
which nobody can correct.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, delete, select

from adapters.storage.entry_proofs import EntryProofs
from adapters.storage.journal import Journal, OwnState
from adapters.storage.many_rows import Columns, Same, insert_rows, one_of_keys
from adapters.storage.numbers import Numbers
from adapters.storage.outbox import Outbox, OutboxMessage, OutboxState
from adapters.storage.quarantine import Origin, Quarantine, Refused
from adapters.storage.tables import RECEIPT
from contracts.codes import RefusalCode
from contracts.dsse import from_envelope, to_envelope
from contracts.names import MessageId
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.signed_bytes import SignedBytes

_MADE_AGAIN: Final = frozenset({RefusalCode.SEQUENCE_CONFLICT, RefusalCode.ID_REUSED, RefusalCode.KEY_MISSING})
_TOLD_ELSEWHERE: Final = frozenset({RefusalCode.PAIRING_NOT_OPEN})
"""Nobody can correct it: a code leads nowhere, which stands beside the code."""
_OPEN: Final = frozenset({OutboxState.WAITING, OutboxState.SENT})

_OUTCOMES: Final = select(RECEIPT.c.message_id, RECEIPT.c.code, RECEIPT.c.position).where(
    one_of_keys(RECEIPT.c.message_id)
)


class Answer(StrEnum):
    """What a receipt did."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    TO_RENUMBER = "to-renumber"
    REPEATED = "repeated"
    NOT_OURS = "not-ours"
    """No such message, or other bytes than ours: nothing was changed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a receipt said: the reason of a refusal, and where in the log it stands."""

    code: RefusalCode | None
    position: int


class Receipts:
    """The receipts over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outbox = Outbox(connection)
        self._numbers = Numbers(connection)
        self._quarantine = Quarantine(connection)

    def mark(self, receipt: Receipt, signed: SignedBytes, *, journal: Journal, at: datetime) -> Answer:
        """Take a verified receipt."""
        return self.mark_all([(receipt, signed)], journal=journal, at=at)[0]

    def mark_all(
        self, receipts: Sequence[tuple[Receipt, SignedBytes]], *, journal: Journal, at: datetime
    ) -> list[Answer]:
        """Take verified receipts in their order; what they accept is written at once."""
        found = {one.message_id: one for one in self._outbox.find_all([receipt.id for receipt, _ in receipts])}
        accepted: dict[MessageId, tuple[Receipt, SignedBytes]] = {}
        answered: set[MessageId] = set()
        answers = []
        for receipt, signed in receipts:
            message = found.get(receipt.id)
            if message is None or message.signed.digest.hex() != receipt.digest:
                answers.append(Answer.NOT_OURS)
            elif message.state is OutboxState.ACCEPTED and receipt.code is RefusalCode.KEY_MISSING:
                answers.append(self._forgotten(message, receipt, signed, at=at))
            elif message.state not in _OPEN or receipt.id in answered:
                answers.append(Answer.REPEATED)
            elif receipt.verdict == "accepted":
                accepted[receipt.id] = (receipt, signed)
                answered.add(receipt.id)
                answers.append(Answer.ACCEPTED)
            else:
                self._keep([(receipt, signed)], at=at)
                answers.append(self._not_accepted(message, receipt, journal, at))
                answered.add(receipt.id)
        self._accept(accepted, journal=journal, at=at)
        return answers

    def _accept(
        self, accepted: Mapping[MessageId, tuple[Receipt, SignedBytes]], *, journal: Journal, at: datetime
    ) -> None:
        if not accepted:
            return
        self._keep(list(accepted.values()), at=at)
        self._outbox.set_states(list(accepted), OutboxState.ACCEPTED)
        journal.set_states(list(accepted), OwnState.ACCEPTED)

    def _not_accepted(self, message: OutboxMessage, receipt: Receipt, journal: Journal, at: datetime) -> Answer:
        if receipt.code in _MADE_AGAIN:
            return self._renumber(message, receipt)
        self._outbox.set_state(receipt.id, OutboxState.REFUSED)
        journal.set_state(receipt.id, OwnState.REFUSED)
        if receipt.code not in _TOLD_ELSEWHERE:
            self._quarantine.add(_refused(receipt, message, journal, at))
        return Answer.REFUSED

    def _forgotten(self, message: OutboxMessage, receipt: Receipt, signed: SignedBytes, *, at: datetime) -> Answer:
        """The hub was restored from before this key was deposited, and the key beside the message was dropped when it was answered."""
        self._connection.execute(delete(RECEIPT).where(RECEIPT.c.message_id == receipt.id))
        self._insert([(receipt, signed)], at=at)
        return self._renumber(message, receipt)

    def keep_own(self, receipt: Receipt, signed: SignedBytes, *, at: datetime) -> None:
        """The receipt of a message that this database had forgotten."""
        self._keep([(receipt, signed)], at=at)

    def _renumber(self, message: OutboxMessage, receipt: Receipt) -> Answer:
        """`adapters.desk.renumbering` makes the message again: nobody has to look at it."""
        if receipt.code is RefusalCode.SEQUENCE_CONFLICT:
            self._numbers.ask_renumbering(message.record_key, receipt.last_sequence or 0)
        self._outbox.set_state(message.message_id, OutboxState.REPLACED)
        return Answer.TO_RENUMBER

    def _keep(self, receipts: Sequence[tuple[Receipt, SignedBytes]], *, at: datetime) -> None:
        self._insert(receipts, at=at)
        EntryProofs(self._connection).owe([receipt for receipt, _ in receipts])

    def _insert(self, receipts: Sequence[tuple[Receipt, SignedBytes]], *, at: datetime) -> None:
        columns: Columns = {
            "message_id": [receipt.id for receipt, _ in receipts],
            "verdict": [receipt.verdict for receipt, _ in receipts],
            "code": [None if receipt.code is None else receipt.code.value for receipt, _ in receipts],
            "position": [receipt.position for receipt, _ in receipts],
            "envelope": [to_envelope(signed, PayloadType.RECEIPT) for _, signed in receipts],
            "stored_at": Same(at),
        }
        insert_rows(self._connection, RECEIPT, columns)

    def outcomes(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, Outcome]:
        """What the hub answered to these, where it did."""
        rows = self._connection.execute(_OUTCOMES, {"keys": message_ids})
        return {
            MessageId(row.message_id): Outcome(None if row.code is None else RefusalCode(row.code), row.position)
            for row in rows
        }

    def find(self, message_id: MessageId) -> SignedBytes | None:
        """The signed receipt of a message."""
        found = self._connection.execute(select(RECEIPT.c.envelope).where(RECEIPT.c.message_id == message_id))
        envelope = found.scalar_one_or_none()
        return None if envelope is None else from_envelope(envelope)[0]


def _refused(receipt: Receipt, message: OutboxMessage, journal: Journal, at: datetime) -> Refused:
    code = receipt.code or RefusalCode.INVALID_DATA
    entry = journal.find(message.message_id)
    return Refused(
        origin=Origin.HUB,
        code=code.value,
        explanation=f"The hub refused it ({code.value}) at position {receipt.position}.",
        quarantined_at=at,
        message_id=message.message_id,
        subject=None if entry is None else entry.subject,
        draft=message.signed.payload if entry is None or entry.payload is None else entry.payload,
    )
