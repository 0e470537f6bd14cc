"""A unit's databases: where they lie, under which keys they open, and that nobody else on the machine reads them.

Invariants: both are encrypted unless the settings say otherwise on purpose, each under a key of its own that follows from the one in the keyring; a
database whose key is not here stays closed, and no new one is made in its place. Everything that opens one of these files gets its key here.
"""

import os
import sqlite3
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from adapters import keyring
from adapters.errors import AdapterError
from adapters.keyring import KeyringError
from adapters.storage.encrypting import REWRITTEN, decrypt
from adapters.storage.unit_store import UnitStore
from contracts.names import UnitId
from projections.encrypted_file import DatabaseKey, attach, connect, in_clear

STORE: Final = "unit.db"
OVERVIEWS: Final = "overviews.db"
KEYS: Final = "keys"
Which = Literal["store", "overviews"]
FILES: Final[dict[Which, str]] = {"store": STORE, "overviews": OVERVIEWS}
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_READING_GROUP: Final = stat.S_IRWXG
"""A local system that reads the views may run as another user: by a group, it gets through the folder to the overviews, and to nothing else."""


class NotPrivateError(AdapterError):
    """Files of the unit can be read by others, and that cannot be changed."""


@dataclass(frozen=True, slots=True)
class UnitDatabases:
    """The databases of one unit."""

    folder: Path
    store: DatabaseKey | None
    overviews: DatabaseKey | None

    @classmethod
    def of(cls, folder: Path, unit: UnitId, unencrypted: Collection[Which] = ()) -> Self:
        """What is encrypted gets its key, made where there is none yet; `unencrypted` is put into clear. Raises `KeyringError`, `EncryptionError`."""
        keep_private(folder)
        root = keyring.database_key(folder / KEYS, unit)
        if root is None:
            _refuse_closed(folder, unit, unencrypted)
            if len(set(unencrypted)) == len(FILES):
                return cls(folder, None, None)
            root = keyring.database_key_or_new(folder / KEYS, unit)
        for which in unencrypted:
            decrypt(folder / FILES[which], root.of(which))
        keys = {which: None if which in unencrypted else root.of(which) for which in FILES}
        return cls(folder, keys["store"], keys["overviews"])

    @classmethod
    def as_they_lie(cls, folder: Path, unit: UnitId) -> Self:
        """For whoever looks and changes nothing: a key for what is encrypted, none for what lies in clear. Raises `KeyringError`."""
        root = keyring.database_key(folder / KEYS, unit)
        if root is None:
            _refuse_closed(folder, unit, ())
            return cls(folder, None, None)
        keys = {which: None if _lies_in_clear(folder / file) else root.of(which) for which, file in FILES.items()}
        return cls(folder, keys["store"], keys["overviews"])

    def open_store(self) -> UnitStore:
        """The unit's database. Raises as `UnitStore.open`."""
        store = UnitStore.open(self.folder / STORE, self.store)
        keep_private(self.folder)
        return store

    def look_into(self, which: Which) -> sqlite3.Connection:
        """A connection that cannot write, past the tables' own classes: for whoever measures or copies."""
        return connect(self.folder / FILES[which], self.store if which == "store" else self.overviews, read_only=True)

    def look_into_both(self) -> sqlite3.Connection:
        """The same over both, the overviews as `shown`; they must be there."""
        connection = self.look_into("store")
        shown = (self.folder / OVERVIEWS).absolute().as_uri()
        if self.store is None and self.overviews is None:
            connection.execute("ATTACH ? AS shown", (f"{shown}?mode=ro",))
        else:
            attach(connection, f"{shown}?mode=ro", self.overviews, name="shown")
        return connection


def open_to_others(folder: Path) -> list[Path]:
    """What of a unit's folder others on this machine may read or change: the folder, its databases, the folder of keys."""
    if os.name != "posix":
        return []
    return [path for path in _kept(folder) if stat.S_IMODE(path.stat().st_mode) & _barred(folder, path)]


def keep_private(folder: Path) -> None:
    """Take from others what is open to them; key files are refused instead, when read. Raises `NotPrivateError` for another user's files."""
    for path in open_to_others(folder):
        try:
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_barred(folder, path))
        except FileNotFoundError:
            continue  # a log of changes that was closed just now
        except OSError as error:
            raise NotPrivateError(
                f"Others may read {path}, and it is not this user's to change",
                advice=f"As its owner: chmod go-rwx {path}; run the adapter as the user to whom its folder belongs.",
            ) from error


def _barred(folder: Path, path: Path) -> int:
    shared = path == folder or path.name.startswith(OVERVIEWS)
    return _OTHERS & ~_READING_GROUP if shared else _OTHERS


def _kept(folder: Path) -> list[Path]:
    databases = [path for file in FILES.values() for path in folder.glob(f"{file}*") if path.suffix != REWRITTEN]
    return [path for path in (folder, folder / KEYS, *databases) if path.exists()]


def _lies_in_clear(path: Path) -> bool:
    return path.exists() and in_clear(path)


def _refuse_closed(folder: Path, unit: UnitId, unencrypted: Collection[Which]) -> None:
    """Without a key a database must be in clear or not be there."""
    if set(unencrypted) == set(FILES):
        return
    for path in (folder / file for file in FILES.values()):
        if path.exists() and path.stat().st_size and not in_clear(path):
            raise KeyringError(
                f"The key of the databases of {unit} is not in {folder / KEYS}, so {path.name} stays closed",
                advice="Restore the backup, keys and database together; or move the unit's databases away and go on without them: "
                f"spojka-adapter restore --without-backup {unit}",
            )
