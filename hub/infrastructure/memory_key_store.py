"""`KeyStore` and `KeyLog` in memory, for tests and the simulator.

Invariants: the same as in `hub.infrastructure.postgres`; the same behavioural tests run on both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from contracts.messages.key import ReleasedKey
from contracts.names import KeyId, MessageId, RecordKey, UnitId
from hub.application.key_ports import (
    CarriedOut,
    DepositKey,
    HeldKey,
    KeyCommit,
    KeyReport,
    KeyState,
    KeyUseSoFar,
    Place,
    ReleaseRow,
    Wanted,
)
from hub.application.ports import Deposited, FencedError, ReplayWish
from hub.infrastructure.memory_relay_store import MemoryRelayStore
from hub.infrastructure.memory_shard import nothing


class MemoryKeyLog(MemoryRelayStore):
    """A `MemoryShard` as its key service sees it: reading as a relay reads, and the mailbox."""

    def mailbox(self, *, below: int) -> Sequence[Deposited]:
        """Deposits of messages before this position, the oldest first."""
        with self._shard.turn:
            return [self._shard.mailbox[position] for position in sorted(self._shard.mailbox) if position < below]

    def take_out(self, positions: Sequence[int]) -> None:
        """Delete these deposits."""
        with self._shard.turn:
            for position in positions:
                self._shard.mailbox.pop(position, None)

    def wishes(self) -> Sequence[tuple[int, ReplayWish]]:
        """Units that ask for their keys again."""
        with self._shard.turn:
            return sorted(self._shard.key_wishes.items(), key=lambda one: one[0])

    def fulfil(self, numbers: Sequence[int]) -> None:
        """Delete these wishes."""
        with self._shard.turn:
            for number in numbers:
                self._shard.key_wishes.pop(number, None)


@dataclass(slots=True)
class MemoryKeyStore:
    """The tables of one shard's key service. `before_commit` may raise, as a database that is away."""

    position: int = 0
    cluster: str = ""
    deposits: dict[KeyId, DepositKey] = field(default_factory=dict)
    held: dict[str, HeldKey] = field(default_factory=dict)
    used: dict[str, KeyUseSoFar] = field(default_factory=dict)
    released: dict[Place, tuple[ReleaseRow, datetime]] = field(default_factory=dict)
    pending: dict[Wanted, int] = field(default_factory=dict)
    not_produced: set[int] = field(default_factory=set)
    untold: dict[int, ReleasedKey] = field(default_factory=dict)
    fixed: tuple[int, datetime] | None = None
    erasures: dict[MessageId, CarriedOut] = field(default_factory=dict)
    before_commit: Callable[[], None] = nothing
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def state(self) -> KeyState:
        """Where this shard stands."""
        return KeyState(self.position, self.cluster)

    def commit(self, commit: KeyCommit) -> None:
        """Write everything or nothing. Raises `FencedError`."""
        if commit.position != self.position:
            raise FencedError(f"The keys stand at {self.position}.", advice="Begin again from what is stored.")
        self.before_commit()
        self.position = commit.to
        for key in commit.keys:
            self.held.setdefault(key.key_id, key)
        self.used |= {use.key_id: replace(use, opened=frozenset()) for use in commit.uses}
        for place in commit.revoked:
            self._revoke(place)
        for row in commit.releases:
            self._release(row, commit.at)
        for one in commit.waiting:
            self.pending.setdefault(one, next(self.numbers))
        for one in commit.waited:
            self.pending.pop(one, None)
        for name in commit.destroyed:
            self._destroy(name)
        self.erasures |= {one.request: one for one in commit.erasures}

    def deposit_keys(self) -> Sequence[DepositKey]:
        """Every deposit key in the order in which they were made."""
        return sorted(self.deposits.values(), key=lambda key: (key.made_at, key.key_id))

    def add_deposit_key(self, key: DepositKey) -> None:
        """Keep a new private half."""
        self.deposits[key.key_id] = key

    def destroy(self, key_ids: Sequence[KeyId]) -> None:
        """Destroy private halves."""
        self.deposits |= {name: replace(self.deposits[name], secret=None) for name in key_ids}

    def keys(self, key_ids: Sequence[str]) -> Mapping[str, HeldKey]:
        """Content keys by id."""
        return {name: self.held[name] for name in key_ids if name in self.held}

    def keys_of(self, author: UnitId, *, after: str, limit: int) -> Sequence[HeldKey]:
        """What a unit itself deposited, by key id."""
        own = sorted(name for name, key in self.held.items() if key.label.author == author and name > after)
        return [self.held[name] for name in own[:limit]]

    def keys_about(self, key: RecordKey) -> Sequence[HeldKey]:
        """Every content key of a client."""
        return [one for _, one in sorted(self.held.items()) if one.record_key == key]

    def carried_out(self) -> Sequence[CarriedOut]:
        """Erasures of which the log was not told."""
        return list(self.erasures.values())

    def told(self, request: MessageId) -> None:
        """The log holds it."""
        self.erasures.pop(request, None)

    def uses(self, key_ids: Sequence[str]) -> Mapping[str, KeyUseSoFar]:
        """What these keys have sealed so far."""
        return {name: self._use(name) for name in key_ids if name in self.used}

    def uses_of(self, keys: Sequence[RecordKey]) -> Sequence[KeyUseSoFar]:
        """What the keys of these subjects have sealed so far."""
        return [self._use(name) for name in sorted(self.used) if self.used[name].key in keys]

    def waiting(self, *, after: int, limit: int) -> Sequence[tuple[int, Wanted]]:
        """What waits."""
        rows = sorted(((number, one) for one, number in self.pending.items() if number > after), key=lambda row: row[0])
        return rows[:limit]

    def releases_of(self, keys: Sequence[RecordKey]) -> Sequence[ReleaseRow]:
        """What was released about these subjects."""
        return sorted((row for row, _ in self.released.values() if row.key in keys), key=lambda row: row.number)

    def again(self, unit: UnitId) -> None:
        """All of a unit's is to be produced again."""
        self.not_produced |= {row.number for row, _ in self.released.values() if row.unit == unit}

    def unproduced(self, *, limit: int) -> Sequence[ReleaseRow]:
        """What the broker may not have, the oldest first."""
        rows = (row for row, _ in self.released.values() if row.number in self.not_produced)
        return sorted(rows, key=lambda row: row.number)[:limit]

    def produced(self, numbers: Sequence[int]) -> None:
        """The broker has them."""
        self.not_produced -= set(numbers)

    def met(self, cluster: str, *, since: datetime) -> int:
        """Another broker than before."""
        self.cluster = cluster
        again = {row.number for row, at in self.released.values() if at >= since}
        self.not_produced |= again
        return len(again)

    def report(self, *, at: datetime, limit: int) -> KeyReport | None:
        """The report under way, else one fixed now."""
        if not self.untold:
            return None
        self.fixed = self.fixed or (max(sorted(self.untold)[:limit]), at)
        through, at = self.fixed
        told = {number: fact for number, fact in self.untold.items() if number <= through}
        return KeyReport(min(told), through, at, tuple(told[number] for number in sorted(told)))

    def reported(self, report: KeyReport) -> None:
        """The log holds this report."""
        self.fixed = None
        self.untold = {number: fact for number, fact in self.untold.items() if number > report.through}

    def wrapped_under(self, kek_id: str) -> int:
        """How many secrets are wrapped under a key-encryption key."""
        return sum(1 for one in self._secrets() if one.secret is not None and one.secret.kek_id == kek_id)

    def wrapped_not_under(self, kek_id: str, *, limit: int) -> Sequence[HeldKey | DepositKey]:
        """Secrets that are wrapped under another."""
        return [one for one in self._secrets() if one.secret is not None and one.secret.kek_id != kek_id][:limit]

    def rewrap(self, secrets: Sequence[HeldKey | DepositKey]) -> None:
        """Keep these wrapped as they are given here."""
        for one in secrets:
            if isinstance(one, HeldKey):
                self.held[one.key_id] = one
            elif self.deposits[one.key_id].secret is not None:
                self.deposits[one.key_id] = one

    def _secrets(self) -> list[HeldKey | DepositKey]:
        return [*self.held.values(), *self.deposits.values()]

    def _use(self, name: str) -> KeyUseSoFar:
        opened = frozenset(unit for key_id, unit, message in self.released if key_id == name and message is None)
        return replace(self.used[name], opened=opened)

    def _destroy(self, name: str) -> None:
        self.held.pop(name, None)
        self.used.pop(name, None)
        for place in [place for place in self.released if place[0] == name]:
            self._revoke(place)

    def _revoke(self, place: Place) -> None:
        found = self.released.pop(place, None)
        if found is not None:
            self.not_produced.discard(found[0].number)

    def _release(self, row: ReleaseRow, at: datetime) -> None:
        self._revoke(row.place)
        numbered = replace(row, number=next(self.numbers))
        self.released[row.place] = (numbered, at)
        self.not_produced.add(numbered.number)
        self.untold[numbered.number] = numbered.fact()
