"""The keys of the log's states as this process holds them: named, wrapped in the table `log_key`, unwrapped for use.

Invariants: a key that an erasure destroyed is never used again, in whatever process: which keys there still are is asked with every reading, and
only what unwrapping gave is remembered; a key that is missing without having been destroyed is an error and never read as an erasure.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from contracts.names import RecordKey
from hub.application.key_ports import KeyEncryption, Wrapped
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.state_cipher import CLEAR, StateKey, keys_named

REMEMBERED: Final = 40_000
"""Keys that a process keeps unwrapped; beyond it, it begins anew."""

_SQL = queries("log_keys")

Found = Mapping[bytes, StateKey | None]
"""Keys by id; None: destroyed."""


class KeyName(NamedTuple):
    """What a key is for: a client's entries of a category, or (both empty) what is decided; recorded in one month."""

    record_key: str
    scope: str
    epoch: str

    @classmethod
    def evidence(cls, epoch: str) -> "KeyName":
        """Of what outlives erasures."""
        return cls("", "", epoch)

    @classmethod
    def entry(cls, key: RecordKey, category: str, epoch: str) -> "KeyName":
        """Of a client's entries."""
        return cls(key, category, epoch)

    def bound(self, key_id: bytes) -> bytes:
        """What its wrapped form is bound to."""
        return b"\0".join((b"spojka/log-key/v1", key_id, *(one.encode() for one in self)))


class LogKeys:
    """Unwraps, and remembers what it unwrapped."""

    def __init__(self, kek: KeyEncryption) -> None:
        self.kek = kek
        self._opened: dict[bytes, tuple[bytes, StateKey]] = {}

    def check(self) -> None:
        """Raises `KeyEncryptionError` where nothing could be wrapped."""
        self.kek.wrap([(b"", b"")])

    def of_states(self, states: Iterable[bytes], session: Session) -> Found:
        """The keys that these states are under, as they are now. Raises `KeyEncryptionError`, `StoreUnavailableError`."""
        named = {name for state in states for name in names_in(state)}
        if not named:
            return {}
        with session.use() as connection:
            rows = connection.execute(_SQL["by_id"], {"key_ids": list(named)}, binary=True).fetchall()
        return self._found(rows)

    def in_use(self, names: Sequence[KeyName], session: Session) -> dict[KeyName, StateKey]:
        """The keys of these names, as far as there are any. Raises as `of_states`."""
        if not names:
            return {}
        columns = zip(*names, strict=True)
        asked = dict(zip(("record_keys", "scopes", "epochs"), map(list, columns), strict=True))
        with session.use() as connection:
            rows = connection.execute(_SQL["in_use"], asked, binary=True).fetchall()
        found = self._found(rows)
        named = {bytes(key_id): KeyName(*name) for key_id, *name, _, _ in rows}
        return {named[key_id]: key for key_id, key in found.items() if key is not None}

    def _found(self, rows: Sequence[Sequence[Any]]) -> dict[bytes, StateKey | None]:
        found: dict[bytes, StateKey | None] = {}
        wrapped: list[tuple[bytes, Wrapped, bytes]] = []
        for key_id, *name, kek_id, secret in rows:
            known = self._opened.get(key_id)
            if secret is None:
                found[key_id] = None
                self._opened.pop(key_id, None)
            elif known is not None and known[0] == secret:
                found[key_id] = known[1]
            else:
                wrapped.append((key_id, Wrapped(kek_id, secret), KeyName(*name).bound(key_id)))
        secrets = self.kek.unwrap([(one, bound) for _, one, bound in wrapped])
        if len(self._opened) + len(secrets) > REMEMBERED:
            self._opened.clear()
        for (key_id, one, _), secret in zip(wrapped, secrets, strict=True):
            key = StateKey.of(secret)
            self._opened[key_id] = one.sealed, key
            found[key_id] = key
        return found


def any_key(session: Session) -> bool:
    """Whether anything was encrypted yet. Raises `StoreUnavailableError`."""
    with session.use() as connection:
        row = connection.execute(_SQL["any_key"]).fetchone()
    return bool(row and row[0])


def names_in(state: bytes) -> Sequence[bytes]:
    """The ids of the keys that a state is under; none of one in clear, or of one that does not read."""
    if state.startswith(CLEAR):
        return ()
    try:
        return keys_named(state)
    except ValueError:
        return ()  # the mapper says so, with its place
