"""Which content keys were destroyed, in a file outside of the key database: a backup of that database brings none of them back (adr/0025).

Invariants: a key is noted, durably, before it is destroyed; what is noted is never kept again, whoever deposits it; ids are hashes of keys and say
nothing about anybody. The file is not part of the database's backup, nor restored with it.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from hub.application.key_ports import KeyCommit
from hub.application.ports import HubError
from hub.infrastructure.postgres.key_store import PostgresKeyStore
from hub.infrastructure.postgres.session import Session

_AT_ONCE: Final = 1000


class ErasedKeysError(HubError):
    """The file cannot be read or written: nothing may be destroyed that a backup could bring back."""


class ErasedKeys:
    """The ids of destroyed keys, one a line. One process writes it, the one that holds the key database's lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[str] | None = None

    @property
    def known(self) -> set[str]:
        """Every id. A line that a crash cut off was never acted on. Raises `ErasedKeysError`."""
        if self._known is None:
            try:
                text = self._path.read_text(encoding="ascii") if self._path.exists() else ""
            except (OSError, ValueError) as error:
                raise ErasedKeysError(
                    f"{self._path} does not read.", advice="Restore it from a copy: it says which keys were erased."
                ) from error
            self._known = set(text[: text.rfind("\n") + 1].split())
        return self._known

    def note(self, key_ids: Iterable[str]) -> None:
        """Note more of them, durable when this returns. Raises `ErasedKeysError`."""
        fresh = sorted(set(key_ids) - self.known)
        if not fresh:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "a", encoding="ascii") as file:
                file.write("\n" + "".join(f"{one}\n" for one in fresh))  # whatever a crash cut off ends here
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ErasedKeysError(
                f"{self._path} cannot be written: nothing is erased until it can.", advice="Make room, or the rights."
            ) from error
        self.known.update(fresh)


class JournaledKeyStore(PostgresKeyStore):
    """The key database, with what was erased noted beside it."""

    def __init__(self, session: Session, erased: ErasedKeys) -> None:
        super().__init__(session)
        self._erased = erased

    def commit(self, commit: KeyCommit) -> None:
        """Note what is destroyed, then write everything or nothing; an erased key that comes again is not kept. Raises `ErasedKeysError` besides."""
        self._erased.note(commit.destroyed)
        if commit.keys:
            commit = replace(commit, keys=[key for key in commit.keys if key.key_id not in self._erased.known])
        super().commit(commit)

    def erase_again(self, at: datetime) -> int:
        """Destroy what a backup brought back; returns how many keys."""
        erased = sorted(self._erased.known)
        there = {
            key_id
            for start in range(0, len(erased), _AT_ONCE)
            for key_id in self.keys(erased[start : start + _AT_ONCE])
        }
        if there:
            position = self.state().position
            super().commit(KeyCommit(position, position, at, destroyed=sorted(there)))
        return len(there)
