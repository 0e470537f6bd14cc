"""A database file that lies in clear becomes an encrypted one, or the other way where that is asked for on purpose.

Invariants: nobody else has the file open meanwhile, or nothing is done; the new file is whole, checked and on the disk before it takes the old one's
name, by one rename: whoever is killed at any step leaves either the old database or the new one, and doing it again goes on from there. Of the one in
clear nothing stays in the folder: what a schema upgrade kept is encrypted before it. Its bytes are overwritten, which a flash disk may not honour.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, cast

from adapters.errors import AdapterError
from projections.encrypted_file import PATIENCE, DatabaseKey, attach, connect, driver_of, state_of_file

REWRITTEN: Final = ".rewritten"
"""How a file that is being made ends until it takes its name."""
_TABLES: Final = "SELECT name FROM {}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
_CHUNK: Final = 1 << 20


class EncryptionError(AdapterError):
    """A database could not be encrypted; it is as it was."""


def encrypt(path: Path, key: DatabaseKey) -> bool:
    """Encrypt a file that lies in clear, and what upgrades kept of it; says whether it had to. Raises `EncryptionError`, and as `connect` does."""
    if state_of_file(path, key) != "plain":
        return False
    for kept in sorted(path.parent.glob(f"{path.name}.version-*")):
        if state_of_file(kept, key) == "plain":
            _rewrite(kept, now=None, then=key)
    _rewrite(path, now=None, then=key)
    return True


def decrypt(path: Path, key: DatabaseKey) -> bool:
    """Put an encrypted file into clear; says whether it had to. Raises as `encrypt`."""
    if not path.exists() or path.stat().st_size == 0 or state_of_file(path, key) != "ours":
        return False
    _rewrite(path, now=key, then=None)
    return True


def _rewrite(path: Path, *, now: DatabaseKey | None, then: DatabaseKey | None) -> None:
    try:
        with _one_at_a_time(path.parent):
            _rewrite_alone(path, now=now, then=then)
    except (sqlite3.Error, driver_of(None, cipher=True).Error, OSError) as error:
        raise EncryptionError(
            f"The database {path} could not be rewritten: {error}",
            advice="Free as much space as it takes, and look that the folder is this user's; it is as it was, so do it again then.",
        ) from error


def _rewrite_alone(path: Path, *, now: DatabaseKey | None, then: DatabaseKey | None) -> None:
    new, found = path.with_name(path.name + REWRITTEN), _identity(path)
    with closing(_opened(path, now)) as connection:
        if not _held(connection, path) or _identity(path) != found:
            return  # another process did it while this one waited
        for left in (new, Path(f"{new}-journal")):
            left.unlink(missing_ok=True)
        _export(connection, new, then)
        if os.name == "nt":  # renames over no open file there
            connection.close()
        _swap(path, new)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Two that ask SQLite for the same file to themselves would hold each other up until both give up."""
    if os.name == "nt":  # the service manager starts one adapter only
        yield
        return
    import fcntl  # noqa: PLC0415 - not there on every system

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _identity(path: Path) -> tuple[int, int]:
    """Of the file that has the name now; opening it would give up this process's locks on it."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _opened(path: Path, key: DatabaseKey | None) -> sqlite3.Connection:
    """By SQLCipher also where it lies in clear, since one library does both."""
    if key is not None:
        return connect(path, key)
    made = driver_of(None, cipher=True).connect(
        str(path), isolation_level=None, check_same_thread=False, timeout=PATIENCE
    )
    return cast("sqlite3.Connection", made)


def _held(connection: sqlite3.Connection, path: Path) -> bool:
    """Its log of changes goes into the file, and nobody else has it open until the connection closes. Leaving WAL succeeds only when one is alone.

    False for a file that is no longer in clear.
    """
    try:
        connection.execute("PRAGMA main.locking_mode = EXCLUSIVE").fetchall()
        (mode,) = connection.execute("PRAGMA main.journal_mode = DELETE").fetchone()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except driver_of(None, cipher=True).DatabaseError as error:
        code = error.sqlite_errorcode & 0xFF
        if code == sqlite3.SQLITE_NOTADB:
            return False
        if code not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise
        mode = "wal"
    if mode != "delete":
        raise EncryptionError(
            f"Another program has the database {path} open, so it cannot be encrypted now",
            advice="Stop the adapter, an older one too, and what else reads the file; then start it again.",
        )
    return True


def _export(connection: sqlite3.Connection, new: Path, key: DatabaseKey | None) -> None:
    attach(connection, str(new), key, name="rewritten")
    new.chmod(0o600)
    for pragma in (
        "journal_mode = OFF",
        "synchronous = OFF",
    ):  # what a crash leaves is thrown away, and the whole file is synced at the end
        connection.execute(f"PRAGMA rewritten.{pragma}").fetchall()
    connection.execute("SELECT sqlcipher_export('rewritten')")
    (version,) = connection.execute("PRAGMA main.user_version").fetchone()
    connection.execute(f"PRAGMA rewritten.user_version = {int(version)}")
    (verdict,) = connection.execute("PRAGMA rewritten.quick_check").fetchone()
    if verdict != "ok" or _counts(connection, "main") != _counts(connection, "rewritten"):
        raise EncryptionError(
            f"What was written beside {new.name} is not the same", advice="Keep the database and ask for help."
        )
    connection.execute("DETACH rewritten")


def _counts(connection: sqlite3.Connection, schema: str) -> dict[str, int]:
    names = [name for (name,) in connection.execute(_TABLES.format(schema))]
    counted = (connection.execute(f'SELECT count(*) FROM {schema}."{name}"').fetchone()[0] for name in names)  # noqa: S608 - names of its own tables
    return dict(zip(names, counted, strict=True))


def _swap(path: Path, new: Path) -> None:
    """The rename, durable; then the bytes of before."""
    with new.open("rb+") as file:
        os.fsync(file.fileno())
    if os.name == "nt":
        new.replace(path)
        return
    with path.open("rb+") as old:
        new.replace(path)
        _sync_folder(path.parent)
        if os.fstat(old.fileno()).st_nlink:
            return  # somebody's snapshot is the same file under another name
        size = old.seek(0, os.SEEK_END)
        old.seek(0)
        for start in range(0, size, _CHUNK):
            old.write(bytes(min(_CHUNK, size - start)))
        old.flush()
        os.fsync(old.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(OSError):  # some network disks know no such call
        os.fsync(descriptor)
    os.close(descriptor)
