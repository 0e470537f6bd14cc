"""Sealing what leaves: which content key, and when a new one is made and deposited (DESIGN section 9).

Invariants: content is sealed wherever the trust list names a key of the hub's key service, and stays clear elsewhere, which the hub accepts in a
trial alone; the deposit of a key stands before the first message under it, in the same transaction and with the same record key; a change of a
subject's grounds, and each quarter, makes the next message of every scope wait for a new key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from adapters.gate.custodian import custodian
from adapters.storage.content_keys import OwnKey, quarter_of
from adapters.storage.unit_store import Transaction
from contracts.catalogue import MessageSpec
from contracts.categories import WHOLLY_SEALED, Category
from contracts.envelope import Message
from contracts.kafka_record import MAX_VALUE
from contracts.messages.key import KeyDeposited
from contracts.names import ProgrammeId, RecordKey, UnitId
from contracts.sealing.content import seal_composed, sealed_under
from contracts.sealing.content_key import PARTIES, ContentKey, KeyLabel
from contracts.sealing.deposit import deposit, named_custodians, read_deposit
from contracts.sealing.jwe import BLOCK
from contracts.trust_list import Directory

_AROUND: Final = 512
"""Bytes that sealing adds beside the content's own growth: the JWE's header, nonce, tag and padding."""
TOO_LONG: Final = "It is longer than 256 KiB, or becomes so when it is sealed."


@dataclass(frozen=True, slots=True)
class Deposit:
    """A key to be deposited: the facts of the message, and what travels beside it."""

    facts: KeyDeposited
    header: bytes = field(repr=False)


def scope_of(spec: MessageSpec, category: Category | None, *, has_content: bool) -> str | None:
    """Under which scope's key a message of this type is sealed; None where it seals nothing."""
    if spec.sealed is None or not (has_content or (category in WHOLLY_SEALED and spec.coded)):
        return None
    return PARTIES if category is None else category.value


def longest(*, sealing: bool) -> int:
    """Bytes of the longest document in clear that still fits into a record; sealed, it grows by a third."""
    return (MAX_VALUE - _AROUND - BLOCK) * 3 // 4 if sealing else MAX_VALUE


class Sealing:
    """One transaction's keys. `known` outlives it where nothing came between (see `Remembered`)."""

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        tx: Transaction,
        *,
        programme: ProgrammeId,
        unit: UnitId,
        directory: Directory | None,
        at: datetime,
        known: dict[RecordKey, dict[str, OwnKey]] | None = None,
    ) -> None:
        self._tx = tx
        self._programme = programme
        self._unit = unit
        self._at = at
        self._custodian = custodian(directory, at)
        self._known = {} if known is None else known
        self._quarter = quarter_of(at)
        self._made: list[OwnKey] = []

    @property
    def on(self) -> bool:
        """Whether content is sealed."""
        return self._custodian is not None

    def prefetch(self, subjects: Sequence[RecordKey]) -> None:
        """Look up the keys of many subjects at once."""
        lacking = [subject for subject in subjects if subject not in self._known]
        if not (self.on and lacking):
            return
        self._known.update((subject, {}) for subject in lacking)
        for (subject, scope), key in self._tx.content_keys.current(lacking, at=self._at).items():
            self._known[subject][scope] = key

    def turn(self, subject: RecordKey) -> None:
        """Something changes the subject's grounds: what is sealed from here on is sealed under new keys."""
        if not self.on:
            return
        self.write()
        self._tx.content_keys.retire([subject])
        self._known[subject] = {}

    def lacks(self, subject: RecordKey, scope: str) -> bool:
        """Whether a key has to be made and deposited before a message of this scope."""
        self.prefetch([subject])
        known = self._known[subject].get(scope) if self.on else None
        return self.on and (known is None or known.quarter != self._quarter)

    def make(self, subject: RecordKey, scope: str) -> Deposit:
        """A new key of this scope, and its deposit."""
        key = ContentKey.generate()
        own = OwnKey(key.key_id, key, subject, scope, self._epoch(subject), self._quarter)
        self._known[subject][scope] = own
        self._made.append(own)
        return self.deposit_of(own)

    def deposit_of(self, own: OwnKey) -> Deposit:
        """The deposit of a key, sealed to the key service's newest key. Raises `ValueError` where there is no such key."""
        if self._custodian is None:
            raise ValueError("no key service to deposit with")
        label = KeyLabel(self._programme, self._unit, own.subject, own.scope, own.epoch)
        header = deposit(own.key, label, custodians=[self._custodian])
        hashed = sha256(header).hexdigest()
        return Deposit(KeyDeposited(key_id=own.key_id, scope=own.scope, epoch=own.epoch, deposit_hash=hashed), header)

    def reaches_another(self, header: bytes | None) -> bool:
        """Whether a deposit made now is sealed to another key than this one was: else it would be refused for the same reason."""
        return header is None or (
            self._custodian is not None and named_custodians(read_deposit(header)) != [self._custodian.key_id]
        )

    def sealed(self, raw: bytes, subject: RecordKey, scope: str | None) -> bytes:
        """The document as it leaves: sealed under the current key of its scope, which is there, or as it is."""
        return seal_composed(raw, self._known[subject][scope].key) if self.on and scope is not None else raw

    def write(self) -> None:
        """Keep the keys that were made."""
        self._tx.content_keys.add(self._made, at=self._at)
        self._made.clear()

    def _epoch(self, subject: RecordKey) -> int:
        """That of the subject's other keys of now, else the next one."""
        known = self._known[subject].values()
        epoch = next((other.epoch for other in known if other.quarter == self._quarter), None)
        return self._tx.content_keys.last_epoch(subject) + 1 if epoch is None else epoch


def sealed_again(tx: Transaction, raw: bytes, before: Message) -> bytes:
    """A document in clear, sealed under the key that sealed an earlier message made of it; as it is where that one was clear."""
    key_id = sealed_under(before)
    own = None if key_id is None else tx.content_keys.find(key_id)
    return raw if own is None else seal_composed(raw, own.key)
