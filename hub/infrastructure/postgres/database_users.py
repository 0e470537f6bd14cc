"""Users of the hub's database, each with the privileges of its part: made, renewed and set right by the owner of the tables.

Invariants: after `make`, every user has exactly what `privileges` lists, whatever it had before; a password lies in its file and, as a SCRAM
verifier, at the server, and is in no statement; a user's name begins with the database's, so that two programmes can share a server.
"""

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hub.infrastructure.postgres.privileges import PRIVILEGES, DatabaseUser
from hub.infrastructure.postgres.store_errors import translated
from hub.infrastructure.transport.secret_files import write_secret

_PASSWORD_BYTES: Final = 24
_VERBS: Final = {verb: sql.SQL(verb) for grants in PRIVILEGES.values() for verbs in grants.values() for verb in verbs}


def user_of(database: str, part: str) -> str:
    """The name of a part's user."""
    return f"{database}_{part}"


def address_as(dsn: str, users: Path, part: str, *, trusted: Path | None = None) -> str:
    """The database's address for one part: its own user, the password from its file, and no connection but to a server of a trusted authority."""
    given = {name: str(value) for name, value in conninfo_to_dict(dsn).items() if name != "password"}
    own = {"user": user_of(given["dbname"], part), "passfile": str(users / part)}
    secure = {} if trusted is None else {"sslmode": "verify-full", "sslrootcert": str(trusted)}
    return make_conninfo(**(given | own | secure))


class DatabaseUsers:
    """The users of one database; `dsn` signs in as the owner of its tables. Methods raise `StoreUnavailableError`."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self._dsn = dsn
        self._folder = folder

    def make(self, *, shards: int, renew: bool = False) -> list[str]:
        """Make what is missing and set every privilege right, in one transaction; `renew`: with new passwords, which hold for the next sign-in."""
        with translated(), psycopg.connect(self._dsn) as connection:
            database = connection.info.dbname
            made = [
                part for part in DatabaseUser if self._ensure(connection, user_of(database, part), part, renew=renew)
            ]
            self._close_to_others(connection, database)
            for shard in range(shards):
                self._grant(connection, database, shard)
        return [user_of(database, part) for part in made]

    def _ensure(self, connection: psycopg.Connection, user: str, part: DatabaseUser, *, renew: bool) -> bool:
        there = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (user,)).fetchone() is not None
        if there and not renew and (self._folder / part).exists():
            return False
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        verifier = connection.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256").decode()
        change = sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}")
        if not there:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(user)))
        connection.execute(change.format(sql.Identifier(user), sql.Literal(verifier)))
        write_secret(self._folder / part, f"*:*:*:{user}:{password}\n".encode())
        return True

    @staticmethod
    def _close_to_others(connection: psycopg.Connection, database: str) -> None:
        users = sql.SQL(", ").join(sql.Identifier(user_of(database, part)) for part in DatabaseUser)
        name = sql.Identifier(database)
        for statement in (
            sql.SQL("REVOKE ALL ON DATABASE {0} FROM PUBLIC, {1}"),
            sql.SQL("GRANT CONNECT ON DATABASE {0} TO {1}"),
            sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC, {1}"),
        ):
            connection.execute(statement.format(name, users))

    @staticmethod
    def _grant(connection: psycopg.Connection, database: str, shard: int) -> None:
        schema = sql.Identifier(f"shard_{shard}")
        for statement in ("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM PUBLIC", "REVOKE ALL ON SCHEMA {} FROM PUBLIC"):
            connection.execute(sql.SQL(statement).format(schema))
        for part in DatabaseUser:
            user = sql.Identifier(user_of(database, part))
            connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(schema, user))
            connection.execute(sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA {} FROM {}").format(schema, user))
            connection.execute(sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(schema, user))
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, user))
            for table, verbs in PRIVILEGES[part].items():
                grant = sql.SQL("GRANT {} ON {} TO {}")
                connection.execute(grant.format(_verbs(verbs), sql.Identifier(f"shard_{shard}", table), user))
        _give_projections(connection, database, f"projections_{shard}")


def _verbs(verbs: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(_VERBS[verb] for verb in verbs)


def _give_projections(connection: psycopg.Connection, database: str, name: str) -> None:
    """The schema that read models are built in, and rebuilt beside: its part owns it, the operator's commands and the auditor may read it."""
    schema, owner = sql.Identifier(name), sql.Identifier(user_of(database, DatabaseUser.PROJECTIONS))
    readers = sql.SQL(", ").join(
        sql.Identifier(user_of(database, user)) for user in (DatabaseUser.OPERATOR, DatabaseUser.AUDIT)
    )
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    connection.execute(sql.SQL("ALTER SCHEMA {} OWNER TO {}").format(schema, owner))
    for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (name,)).fetchall():
        connection.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(name, table), owner))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, readers))
    connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(schema, readers))
    default = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT SELECT ON TABLES TO {}")
    connection.execute(default.format(owner, schema, readers))
