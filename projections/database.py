"""An engine on which the runner's promises hold, for SQLite and PostgreSQL.

Invariants: every transaction begins when we say so, DDL included (Python's sqlite3 would begin none before DDL); on SQLite a writer takes the write
lock at once, since a deferred upgrade fails in spite of the time-out, and readers never wait for it (WAL).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL

from projections.encrypted_file import DatabaseKey, connect, driver_of

_WRITES: Final = "projections_writes"
_BUSY_MILLISECONDS: Final = 30_000


def open_database(url: str, key: DatabaseKey | None = None) -> Engine:
    """An engine for `sqlite:///file`, encrypted under `key` where there is one, or `postgresql://…` (always through psycopg 3)."""
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        return create_engine(address.set(drivername="postgresql+psycopg"), hide_parameters=True)
    engine = engine_of(address.database or ":memory:", key)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def engine_of(path: str | Path, key: DatabaseKey | None) -> Engine:
    """An engine whose address holds no key."""
    url = URL.create("sqlite", database=str(path))
    if key is None:
        return create_engine(url, hide_parameters=True)
    return create_engine(url, hide_parameters=True, module=driver_of(key), creator=partial(connect, path, key))


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: all of it or nothing. A power cut may cost the last ones, whose items are then read again."""
    with engine.execution_options(**{_WRITES: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")  # as `synchronous=NORMAL` below
        yield connection


def empty_log(engine: Engine) -> None:
    """Bring SQLite's log of changes into the database file and empty it, so that no older state of a row is left in a file.

    Waits for readers of an older state, and leaves it to the next time where they take too long.
    """
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    finally:
        connection.close()


def _configure(connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None  # sqlite3 begins nothing by itself: `_begin` does
    connection.execute("PRAGMA journal_mode=WAL")
    # NORMAL: a power cut may cost the last chunks; rows and position go together.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    connection.execute("PRAGMA secure_delete=ON")  # what was erased is overwritten, not only freed


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
