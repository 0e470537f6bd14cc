"""What the key service needs from outside, as protocols: the hub's log to follow, a database of its own, and what keeps its keys wrapped.

Invariants: nothing that the log's side says is believed before it was verified; a commit of the key store writes everything or nothing and moves the
position only from where it was; no row holds a key in clear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from contracts.messages.key import ReleasedKey
from contracts.names import GroundId, KeyId, MessageId, RecordKey, Source, UnitId
from contracts.sealing.content_key import KeyLabel
from contracts.sealing.suites import SuiteId
from hub.application.ports import Deposited, Head, Indexed, LogEntry, ReplayWish


class KeyLog(Protocol):
    """One shard of the hub as its key service sees it. All methods raise `StoreUnavailableError`."""

    def head(self) -> Head:
        """The log's head row as committed now."""

    def read(self, position: int, *, limit: int) -> Sequence[LogEntry]:
        """Committed events from `position` on, in order."""

    def at(self, positions: Sequence[int]) -> Sequence[LogEntry]:
        """The events at these positions."""

    def load(self, keys: Sequence[RecordKey], *, below: int | None = None) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys in log order, or those before a position."""

    def find(self, ids: Sequence[tuple[Source, MessageId]]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of these messages came before."""

    def mailbox(self, *, below: int) -> Sequence[Deposited]:
        """Deposits of messages before this position that were not taken yet, the oldest first."""

    def take_out(self, positions: Sequence[int]) -> None:
        """Delete these deposits: their keys are safe."""

    def wishes(self) -> Sequence[tuple[int, ReplayWish]]:
        """Units that ask for their keys again, numbered, the oldest first."""

    def fulfil(self, numbers: Sequence[int]) -> None:
        """Delete these wishes."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A secret as it is stored: under which key-encryption key, and the ciphertext."""

    kek_id: str
    sealed: bytes


class KeyEncryption(Protocol):
    """The key-encryption keys: in a file, in the environment, in a hardware module or a key management service. Many secrets a call, since a call
    may be a round trip. Raises `KeyEncryptionError`.
    """

    @property
    def current(self) -> str:
        """Id of the key under which new secrets are wrapped."""

    def wrap(self, secrets: Sequence[tuple[bytes, bytes]]) -> list[Wrapped]:
        """Secrets, each bound to what it is for, under the current key."""

    def unwrap(self, wrapped: Sequence[tuple[Wrapped, bytes]]) -> list[bytes]:
        """The secrets, each with what it must be bound to."""


class KekKeeper(Protocol):
    """Where key-encryption keys are made and destroyed. Raises `KeyEncryptionError`."""

    def names(self) -> Sequence[str]:
        """Of the keys that there are."""

    def make(self, name: str) -> None:
        """A new key, which wraps from now on."""

    def destroy(self, name: str) -> None:
        """An old key, under which nothing is wrapped, is no more."""


@dataclass(frozen=True, slots=True)
class DepositKey:
    """One private half to which units seal their content keys, wrapped; `secret` None once it was destroyed."""

    key_id: KeyId
    suite: SuiteId
    made_at: datetime
    secret: Wrapped | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeldKey:
    """One content key, wrapped, with what it is for and where it was deposited."""

    key_id: str
    label: KeyLabel
    position: int
    message_id: MessageId
    """Of the deposit."""
    secret: Wrapped = field(repr=False)

    @property
    def record_key(self) -> RecordKey:
        """Under which key the messages that it seals stand."""
        return RecordKey(self.label.subject)


@dataclass(frozen=True, slots=True)
class KeyUseSoFar:
    """What a content key has sealed so far: the units that were recipients of all of it, and those that have the key itself."""

    key_id: str
    key: RecordKey
    common: frozenset[UnitId]
    opened: frozenset[UnitId] = frozenset()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One entry that one unit is to be able to open, and cannot yet."""

    key_id: str
    unit: UnitId
    key: RecordKey
    position: int
    ground: GroundId | None
    live: bool
    """False for what a back-fill opened: only the key of this message is given."""


Place = tuple[str, UnitId, MessageId | None]
"""What is given at most once: key, unit, and the message where it is the key of one."""


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One key given to one unit: the signed record as it was produced, and what it was given for."""

    number: int
    """Given by the store when it is written; 0 before."""
    key_id: str
    unit: UnitId
    message_id: MessageId | None
    """The one message that it opens; None where it is the content key itself."""
    entry: MessageId
    """The entry that led to it."""
    key: RecordKey
    position: int
    ground: GroundId | None
    to: KeyId
    release_hash: bytes
    signed: bytes

    @property
    def place(self) -> Place:
        """What is given at most once."""
        return self.key_id, self.unit, self.message_id

    def fact(self) -> ReleasedKey:
        """As the log is told."""
        return ReleasedKey(
            key_id=self.key_id,
            unit=self.unit,
            form="content-key" if self.message_id is None else "message-key",
            message_id=self.entry,
            position=self.position,
            to=self.to,
            release_hash=self.release_hash.hex(),
        )


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """One erasure for which keys were destroyed: what the log is to be told."""

    request: MessageId
    key: RecordKey
    entries: int
    keys: int
    at: datetime


@dataclass(frozen=True, slots=True)
class KeyState:
    """How far the log was followed, and which broker has what was released."""

    position: int
    cluster: str


@dataclass(frozen=True, slots=True)
class KeyCommit:
    """All that one step writes."""

    position: int
    """From which the position moves, checked."""
    to: int
    at: datetime
    """When the releases were made."""
    keys: Sequence[HeldKey] = ()
    uses: Sequence[KeyUseSoFar] = ()
    """`opened` is not written: it follows from the releases."""
    releases: Sequence[ReleaseRow] = ()
    """Written behind `revoked`: new ones, and known ones sealed to another encryption key of their unit; all are to be produced and told."""
    revoked: Sequence[Place] = ()
    """Releases of what no ground covers any more: they are never produced again."""
    waiting: Sequence[Wanted] = ()
    waited: Sequence[Wanted] = ()
    """What waits no longer."""
    destroyed: Sequence[str] = ()
    """Content keys that go for good, with everything that was released of them."""
    erasures: Sequence[CarriedOut] = ()


@dataclass(frozen=True, slots=True)
class KeyReport:
    """Releases that were produced and that the log does not name yet: a range once fixed."""

    first: int
    through: int
    at: datetime
    releases: tuple[ReleasedKey, ...]


class KeyStore(Protocol):
    """The key service's own database, for one shard. All methods raise `StoreUnavailableError`; writing ones `FencedError` where another service
    has taken over.
    """

    def state(self) -> KeyState:
        """Where this shard stands."""

    def commit(self, commit: KeyCommit) -> None:
        """Write everything or nothing."""

    def deposit_keys(self) -> Sequence[DepositKey]:
        """Every deposit key, destroyed ones too, in the order in which they were made."""

    def add_deposit_key(self, key: DepositKey) -> None:
        """Keep a new private half. Before its public half is published."""

    def destroy(self, key_ids: Sequence[KeyId]) -> None:
        """Destroy private halves."""

    def keys(self, key_ids: Sequence[str]) -> Mapping[str, HeldKey]:
        """Content keys by id, as far as they are here."""

    def keys_of(self, author: UnitId, *, after: str, limit: int) -> Sequence[HeldKey]:
        """What a unit itself deposited, by key id behind `after`: for a restored adapter."""

    def keys_about(self, key: RecordKey) -> Sequence[HeldKey]:
        """Every content key of a client."""

    def carried_out(self) -> Sequence[CarriedOut]:
        """Erasures of which the log was not told, the oldest first."""

    def told(self, request: MessageId) -> None:
        """The log holds that this was carried out."""

    def uses(self, key_ids: Sequence[str]) -> Mapping[str, KeyUseSoFar]:
        """What these keys have sealed so far."""

    def uses_of(self, keys: Sequence[RecordKey]) -> Sequence[KeyUseSoFar]:
        """What the keys of these subjects have sealed so far."""

    def waiting(self, *, after: int, limit: int) -> Sequence[tuple[int, Wanted]]:
        """What waits, by numbers of the store's behind `after`."""

    def releases_of(self, keys: Sequence[RecordKey]) -> Sequence[ReleaseRow]:
        """What was released about these subjects."""

    def again(self, unit: UnitId) -> None:
        """A unit lost what was released to it: all of it is to be produced again."""

    def unproduced(self, *, limit: int) -> Sequence[ReleaseRow]:
        """Releases of which it is not certain that the broker has them, the oldest first."""

    def produced(self, numbers: Sequence[int]) -> None:
        """The broker has them."""

    def met(self, cluster: str, *, since: datetime) -> int:
        """Another broker than before: what was released since is to be produced again; returns how much."""

    def report(self, *, at: datetime, limit: int) -> KeyReport | None:
        """The report under way, else one fixed now over what was produced and not told, the oldest first; None where all is told."""

    def reported(self, report: KeyReport) -> None:
        """The log holds this report."""

    def wrapped_under(self, kek_id: str) -> int:
        """How many secrets are wrapped under a key-encryption key."""

    def wrapped_not_under(self, kek_id: str, *, limit: int) -> Sequence[HeldKey | DepositKey]:
        """Secrets that are wrapped under another key-encryption key."""

    def rewrap(self, secrets: Sequence[HeldKey | DepositKey]) -> None:
        """Keep these wrapped as they are given here."""
