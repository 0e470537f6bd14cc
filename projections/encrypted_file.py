"""SQLite files that are encrypted as they lie on disk, by SQLCipher: the database, its log of changes, its journal.

Invariants: a key goes to the driver by a call of its own, never in an address, a statement or a message, and shows as nothing where it is shown; a
key is 32 random bytes, so no password is stretched for each connection; a file that does not open with its key is never taken for a new one. One file
is opened by one library within a process: two would undo each other's locks (sqlite.org/howtocorrupt, section 2.2.1).
"""

import os
import sqlite3
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from secrets import token_bytes
from tempfile import mkstemp
from types import NoneType
from typing import Any, Final, Literal, Never, cast

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from projections.errors import ProjectionsError

KEY_BYTES: Final = 32
_DRIVER: Final = "sqlcipher3.dbapi2"
_PURPOSE: Final = b"spojka database "
_CACHE_KIB: Final = 2_000
"""SQLite's own; SQLCipher's is four times that, for each connection."""
PATIENCE: Final = 30.0
"""Seconds for which a connection waits for whoever holds the file."""

FileState = Literal["absent", "ours", "plain", "foreign"]
"""Whether a file is there, opens with the key, is a database in clear, or is neither."""


class DatabaseKey:
    """The key of database files. Shows as nothing, in a traceback too, and cannot be pickled."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise ValueError(f"a key of {len(raw)} bytes")
        self._raw = raw

    def of(self, file: str) -> "DatabaseKey":
        """The key of one file, from which no other follows."""
        return DatabaseKey(HKDF(SHA256(), KEY_BYTES, None, _PURPOSE + file.encode()).derive(self._raw))

    def unlock(self, connection: sqlite3.Connection) -> None:
        """Give the key to a connection that has read nothing yet."""
        cast("Any", connection).set_key(self.for_driver())

    def for_driver(self) -> bytes:
        """As SQLCipher takes a key that is no password. For `unlock` and `attach` alone."""
        return b"x'" + self._raw.hex().encode() + b"'"

    def __repr__(self) -> str:
        return "DatabaseKey(…)"

    def __reduce__(self) -> Never:
        raise TypeError("a key stays in its process")


class NoCipherError(ProjectionsError):
    """SQLCipher is not here."""

    def __init__(self) -> None:
        super().__init__(
            "Databases are to be encrypted, and SQLCipher (the Python package sqlcipher3) is not installed",
            advice="pip install sqlcipher3; where there is no wheel for this machine, build it (github.com/coleifer/sqlcipher3), or encrypt the disk "
            "and set unencrypted = ['store', 'overviews'] on purpose",
        )


class ForeignFileError(ProjectionsError):
    """The file does not open with the key that was given."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The database {path} does not open with its key: it is another one's, or damaged",
            advice="restore the backup, keys and database together; nothing was changed",
        )


def connect(path: str | Path, key: DatabaseKey | None, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit, for any thread; `key` None opens a file in clear. A new encrypted file is its owner's alone.

    Raises `NoCipherError`, `ForeignFileError` and the driver's own.
    """
    name = f"{Path(path).absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    new = not Path(path).exists()
    made = driver_of(key).connect(name, uri=True, isolation_level=None, check_same_thread=False, timeout=PATIENCE)
    connection = cast("sqlite3.Connection", made)
    try:
        if key is not None:
            if new:
                Path(path).chmod(0o600)  # what SQLite puts beside it gets the same mode
            key.unlock(connection)
            connection.execute("PRAGMA cipher_log_level = NONE")  # it would write to stderr what is said here in words
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            raise ForeignFileError(Path(path)) from None
        raise
    return connection


def nameless() -> sqlite3.Connection:
    """A database for this process alone, as large as it gets: its file has no name, and a key that is nowhere else.

    Where a file that is open keeps its name (Windows) it stays behind, and nobody can read it. Without SQLCipher the database is in memory.
    """
    try:
        driver_of(None, cipher=True)
    except NoCipherError:
        return sqlite3.connect(":memory:", isolation_level=None)
    descriptor, name = mkstemp(prefix="spojka-", dir=_large_files())
    os.close(descriptor)
    connection = connect(name, DatabaseKey(token_bytes(KEY_BYTES)))
    connection.execute("PRAGMA cipher_use_hmac = OFF")  # nobody else can change what nobody else can open
    connection.execute("PRAGMA journal_mode = OFF")  # its name would be needed
    with suppress(PermissionError):
        Path(name).unlink()
    return connection


def database_errors() -> tuple[type[Exception], ...]:
    """What the libraries that are here raise."""
    try:
        return sqlite3.Error, driver_of(None, cipher=True).Error
    except NoCipherError:
        return (sqlite3.Error,)


def _large_files() -> str | None:
    """Where SQLite itself would put them (sqlite.org/tempfiles, section 5): `/tmp` may be memory."""
    places = (os.environ.get("SQLITE_TMPDIR"), os.environ.get("TMPDIR"), "/var/tmp")  # noqa: S108 - by mkstemp
    return next((place for place in places if place and os.access(place, os.W_OK | os.X_OK)), None)


def attach(connection: sqlite3.Connection, where: str, key: DatabaseKey | None, *, name: str) -> None:
    """Put another file, in clear without a key, beside the one of a connection that SQLCipher made."""
    given = "" if key is None else key.for_driver().decode()
    connection.execute(f"ATTACH ? AS {name} KEY ?", (where, given))


def state_of_file(path: Path, key: DatabaseKey) -> FileState:
    """What there is, by opening it as a database and no other way: to close a file opened by hand would give up this process's locks on it."""
    if not path.exists():
        return "absent"
    for _ in range(2):  # between the looks another process may have encrypted it
        if opens(path, key):
            return "ours"
        if in_clear(path):
            return "plain"
    return "foreign"


def in_clear(path: Path) -> bool:
    """Whether the file is a database that anybody can read. One that is empty is none."""
    connection = cast("sqlite3.Connection", driver_of(None, cipher=True).connect(str(path), isolation_level=None))
    try:
        connection.execute("PRAGMA cipher_log_level = NONE")
        return bool(connection.execute("PRAGMA page_count").fetchone()[0])
    except Exception as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            return False
        raise
    finally:
        connection.close()


def opens(path: Path, key: DatabaseKey | None) -> bool:
    """Whether the file opens with this key."""
    try:
        connect(path, key).close()
    except ForeignFileError:
        return False
    return True


def driver_of(key: DatabaseKey | None, *, cipher: bool = False) -> Any:  # noqa: ANN401 - a DB-API module
    """The library for a file. Raises `NoCipherError`."""
    if key is None and not cipher:
        return sqlite3
    try:
        return _loaded(_DRIVER)
    except ImportError as error:
        raise NoCipherError from error


@cache
def _loaded(name: str) -> Any:  # noqa: ANN401 - a DB-API module
    """The driver, told what it stores as it is: else it asks each such value in vain how to store it, for as long as it stores fifteen texts."""
    driver = import_module(name)
    for kind in (NoneType, bool, bytes):
        driver.register_adapter(kind, _as_it_is)
    return driver


def _as_it_is(value: object) -> object:
    return value
