"""A database of a local system, opened so that nothing in it can be changed.

Invariants: every transaction is read-only where the database can (PostgreSQL, MariaDB, SQLite by its mode and `query_only`), short, and rolled back;
an account that may write is refused unless a person says otherwise, since a wrong query, or whoever reads our settings, could then change their data;
no message holds a password or a row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from adapters.errors import AdapterError

_FROM_FILE: Final = "file:"
_PATIENCE: Final = 10
_WRITABLE_POSTGRES: Final = text(
    "SELECT rolsuper OR EXISTS (SELECT FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace NOT IN "
    "(SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_%' OR nspname = 'information_schema') "
    "AND has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')) FROM pg_roles WHERE rolname = current_user"
)
_WRITABLE_SERVER: Final = text(
    "SELECT CASE WHEN HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'INSERT') = 1 "
    "OR HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'UPDATE') = 1 "
    "OR HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'DELETE') = 1 THEN 1 ELSE 0 END"
)
_WRITES: Final = ("ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "DROP", "CREATE", "ALTER", "SUPER")
_READER: Final = (
    "Ask for an account that may only read: CREATE ROLE spojka_reader LOGIN; GRANT SELECT ON <tables> TO spojka_reader; "
    "or say that you accept it"
)


class DatabaseError(AdapterError):
    """The local system's database does not open, does not answer, or is open too wide."""


def address_of(place: str) -> URL:
    """The address; `file:PATH` reads it from a file, so that a password stands in no command line. Raises `DatabaseError`."""
    try:
        written = (
            Path(place.removeprefix(_FROM_FILE)).read_text(encoding="utf-8").strip()
            if place.startswith(_FROM_FILE)
            else place
        )
        url = make_url(written)
    except (OSError, ValueError, ArgumentError) as error:
        raise DatabaseError(
            f"The database's address does not read ({type(error).__name__})",
            advice="Write postgresql://user:password@host/name, sqlite:///PATH, or file:PATH of a file that holds it",
        ) from None
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


class SqlAccess:
    """A database to read from."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.shown = engine.url.render_as_string(hide_password=True)

    @classmethod
    def open(cls, place: str, *, writable_account: bool = False) -> Self:
        """Open and look whether the account may write. Raises `DatabaseError`."""
        url = address_of(place)
        try:
            access = cls(_engine(url))
        except (NoSuchModuleError, ModuleNotFoundError, ArgumentError) as error:
            raise DatabaseError(
                f"There is no driver for {url.drivername} here ({type(error).__name__})",
                advice="Install it beside the adapter: pymysql for mysql+pymysql://, pyodbc for mssql+pyodbc://",
            ) from error
        if not writable_account and access.may_write():
            access.close()
            raise DatabaseError(f"The account of {access.shown} may write", advice=_READER)
        return access

    def may_write(self) -> bool:
        """Whether the account may change tables. Raises `DatabaseError`."""
        with self.reading() as connection:
            match connection.dialect.name:
                case "postgresql":
                    return bool(connection.scalar(_WRITABLE_POSTGRES))
                case "mssql":
                    return bool(connection.scalar(_WRITABLE_SERVER))
                case "mysql" | "mariadb":
                    grants = " ".join(str(row[0]) for row in connection.execute(text("SHOW GRANTS"))).upper()
                    return any(word in grants for word in _WRITES)
                case _:
                    return False  # SQLite has no accounts: the file is opened for reading alone

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One short transaction that cannot write. Raises `DatabaseError`."""
        try:
            with self._engine.connect() as connection:
                try:
                    yield connection
                finally:
                    connection.rollback()
        except SQLAlchemyError as error:
            raise DatabaseError(
                f"{self.shown} does not answer as it should ({_said(error)})",
                advice="Check that it runs, lets this account in, and has the tables and columns of the mapping",
            ) from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _said(error: SQLAlchemyError) -> str:
    """The kind of error alone: a driver's text can hold values of a row."""
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    return " ".join(str(part) for part in (type(original or error).__name__, code) if part)


def _engine(url: URL) -> Engine:
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url)
        case "postgresql":
            given: dict[str, Any] = {
                "connect_timeout": _PATIENCE,
                "options": "-c default_transaction_read_only=on -c statement_timeout=300000",
            }
            return create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=given)
        case "mysql" | "mariadb":
            engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("SET TRANSACTION READ ONLY"))
            return engine
        case _:
            return create_engine(url, poolclass=NullPool, hide_parameters=True)


def _sqlite(url: URL) -> Engine:
    file = Path(url.database or "").resolve()
    if not file.is_file():
        raise DatabaseError(f"There is no database file {file}", advice="Check the path: sqlite:///PATH")
    engine = create_engine(
        URL.create("sqlite", database=f"file:{file}", query={"mode": "ro", "uri": "true"}),
        poolclass=NullPool,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000}")

    return engine
