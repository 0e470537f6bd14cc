"""Judges what the adapter under test seals and deposits in a programme that is not on trial. Pure.

Invariants: it holds the private halves of the kit's deposit keys, so it opens all that is sealed and compares it with what was asked for; a fault is
reported under the requirement that it breaks, and what rests on it is then not judged.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from pydantic import JsonValue

from adapters.conformance.cast import Cast
from adapters.conformance.inspection import Arrival
from adapters.conformance.report import Report
from contracts.categories import WHOLLY_SEALED
from contracts.envelope import Attributes, MessageError, open_clear, parse_attributes
from contracts.errors import ContractsError
from contracts.facts import Clear
from contracts.kafka_record import SEALED_KEY
from contracts.names import KeyId, MessageId, RecordKey
from contracts.sealing.content import open_with_message_key
from contracts.sealing.content_key import ContentKey, KeyLabel, KeyMismatchError, message_key, scope_of
from contracts.sealing.deposit import Deposit, joined, named_custodians, open_share, read_deposit
from contracts.sealing.jwe import BLOCK, JweError, kid_of, open_sealed
from contracts.sealing.suites import EncryptionKeyError, OpeningKey


@dataclass(frozen=True, slots=True)
class Deposited:
    """A content key that the adapter under test deposited."""

    key: ContentKey
    label: KeyLabel
    record_key: RecordKey
    sequence: int


@dataclass(slots=True)
class SealedInspection:
    """Remembers deposits and what was sealed; `in_force` names the deposit keys that may be used now."""

    report: Report
    cast: Cast
    in_force: frozenset[KeyId] = frozenset()
    secrets: list[str] = field(default_factory=list)
    """Texts that the adapter under test was asked to record: none may leave in clear."""
    deposits: dict[str, Deposited] = field(default_factory=dict)
    under: dict[MessageId, str] = field(default_factory=dict)
    """By message: the content key under which it is sealed."""
    contents: dict[MessageId, dict[str, JsonValue]] = field(default_factory=dict)
    """By message: what was sealed, opened."""

    def __post_init__(self) -> None:
        """The first deposit key is in force until a list says otherwise."""
        self.in_force = frozenset({self.cast.deposit_keys[0].key_id})

    def judge(self, arrival: Arrival) -> None:
        """Look at one record as it came for the first time."""
        try:
            attributes, document = parse_attributes(arrival.record.value or b"")
        except ContractsError:
            return  # said already
        self._nothing_in_clear(arrival)
        if arrival.name == "key.deposited":
            self._deposit(arrival)
            return
        data = document.get("data")
        sealed = data.get("sealed") if isinstance(data, dict) else None
        if isinstance(sealed, dict):
            self._sealed(arrival, attributes, sealed)

    def again(self, first: Arrival, arrival: Arrival) -> None:
        """A deposit that came once more: what stood beside it must stand beside it again."""
        if arrival.name == "key.deposited":
            same = _beside(first) == _beside(arrival)
            self.report.judge("KEY-1", holds=same, else_=f"deposit {arrival.id} came again with another header")

    def _nothing_in_clear(self, arrival: Arrival) -> None:
        record = arrival.record
        written = b"\n".join((record.key or b"", record.value or b"", *(value for _, value in record.headers)))
        shown = [one for one in self.secrets if one.encode() in written]
        if shown:
            self.report.broken("SEAL-1", f"message {arrival.id} shows a text in clear that only its readers may see")

    def _deposit(self, arrival: Arrival) -> None:
        value, facts = _beside(arrival), arrival.facts
        hashed = value is not None and sha256(value).hexdigest() == facts.get("deposit_hash")
        what = f"deposit {arrival.id} came without the header that it names"
        if not self.report.judge("KEY-1", holds=hashed, else_=what) or value is None:
            return
        try:
            found = read_deposit(value)
        except EncryptionKeyError as error:
            self.report.broken("KEY-1", f"deposit {arrival.id}: {error.problem}")
            return
        named = named_custodians(found)
        right = len(named) == 1 and named[0] in self.in_force
        what = f"deposit {arrival.id} is sealed to {', '.join(named)}"
        if self.report.judge("KEY-2", holds=right, else_=what):
            self._opened(arrival, found, named[0])

    def _opened(self, arrival: Arrival, found: Deposit, custodian: KeyId) -> None:
        (opening,) = (one for one in self.cast.deposit_keys if one.key_id == custodian)
        facts, epoch = arrival.facts, arrival.facts.get("epoch")
        label = KeyLabel(
            self.cast.programme,
            self.cast.unit,
            arrival.key,
            str(facts.get("scope")),
            epoch if isinstance(epoch, int) else 0,
        )
        key = self._key(arrival, found, opening, label)
        if key is not None:
            self.deposits[key.key_id] = Deposited(key, label, arrival.key, arrival.sequence)

    def _key(self, arrival: Arrival, found: Deposit, opening: OpeningKey, label: KeyLabel) -> ContentKey | None:
        name = str(arrival.facts.get("key_id"))
        try:
            part = open_share(found.shares[0], opening, label, key_id=name)
        except EncryptionKeyError:
            what = f"deposit {arrival.id} does not open by the suite of {opening.key_id} and the info of what it is for"
            self.report.broken("KEY-3", what)
            return None
        self.report.held("KEY-3")
        try:
            key = joined([part], name)
        except KeyMismatchError as error:
            self.report.broken("SEAL-3", f"deposit {arrival.id}: {error.problem}")
            return None
        self.report.held("SEAL-3")
        return key

    def _sealed(self, arrival: Arrival, attributes: Attributes, sealed: dict[str, object]) -> None:
        jwe = sealed.get("jwe")
        what = f"the content of message {arrival.id} is in clear"
        if not self.report.judge("SEAL-1", holds=isinstance(jwe, str), else_=what) or not isinstance(jwe, str):
            return
        try:
            kid = kid_of(jwe)
        except JweError as error:
            self.report.broken("SEAL-4", f"message {arrival.id}: {error.problem}")
            return
        self.report.held("SEAL-4")
        found = self._deposited(arrival, attributes, kid)
        if found is not None:
            self.under[arrival.id] = kid
            self._content(arrival, attributes, jwe, found)

    def _deposited(self, arrival: Arrival, attributes: Attributes, kid: str) -> Deposited | None:
        found = self.deposits.get(kid)
        if found is None:
            if not any(self.report.is_broken(one) for one in ("KEY-1", "KEY-2", "KEY-3", "SEAL-3")):
                self.report.broken("KEY-1", f"message {arrival.id} is sealed under a key that was not deposited before")
            return None
        before = found.record_key == arrival.key and found.sequence < arrival.sequence
        what = f"message {arrival.id} goes before the deposit of its key, or under another record key"
        self.report.judge("KEY-1", holds=before, else_=what)
        scope = scope_of(attributes)
        what = f"message {arrival.id} of scope {scope} is sealed under a key of scope {found.label.scope}"
        self.report.judge("SEAL-7", holds=found.label.scope == scope, else_=what)
        return found

    def _content(self, arrival: Arrival, attributes: Attributes, jwe: str, found: Deposited) -> None:
        try:
            key = message_key(found.key, attributes)
            plain = open_sealed(jwe, key)
        except JweError:
            what = f"message {arrival.id} does not open under the key that follows from its content key and attributes"
            self.report.broken("SEAL-5", what)
            return
        self.report.held("SEAL-5")
        what = f"what is sealed in message {arrival.id} has {len(plain)} bytes"
        self.report.judge("SEAL-6", holds=len(plain) % BLOCK == 0, else_=what)
        self._schema(arrival, key)

    def _schema(self, arrival: Arrival, key: bytes) -> None:
        """What was sealed follows its type too, and has the codes where the category is a special one."""
        if arrival.message is None:
            return
        try:
            opened = open_with_message_key(arrival.message, key)
            open_clear(opened)
        except (JweError, MessageError) as error:
            self.report.broken("ENV-2", f"what is sealed in message {arrival.id}: {error.problem}")
            return
        content = opened.data.sealed
        self.contents[arrival.id] = content.content if isinstance(content, Clear) else {}
        if arrival.message.category in WHOLLY_SEALED:
            coded = isinstance(self.contents[arrival.id].get("facts"), dict)
            what = f"message {arrival.id} of a special category has no codes sealed"
            self.report.judge("SEAL-2", holds=coded, else_=what)


def _beside(arrival: Arrival) -> bytes | None:
    """What stands in the header `spojka-key`."""
    found = [value for name, value in arrival.record.headers if name == SEALED_KEY]
    return found[0] if len(found) == 1 else None
