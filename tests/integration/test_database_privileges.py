"""Who may do what in the hub's database: every privilege of every user on every table, against a table written down here."""

import re
import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.storage.unit_store import StoreError, UnitStore
from deploy.servers.errors import MissingComponentError
from deploy.servers.postgres import PostgresServer
from hub.application.ports import StoreUnavailableError
from hub.entrypoints.house import open_house
from hub.entrypoints.settings import load_settings
from hub.infrastructure.postgres.database_users import DatabaseUsers, address_as
from hub.infrastructure.postgres.migrate import migrate
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.transport.authority import CERTIFICATE, KEY, Authority, Holder
from hub.infrastructure.transport.secret_files import SecretFileError

pytestmark = pytest.mark.postgres

WORDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
S, N, U, D = WORDS[:4]
WRITES_LOG = {"intake"}
APPENDED_TO = {"log", "stream", "message_index", "dead_letter"}
"""What was recorded stays as it is."""


@dataclass(frozen=True)
class Town:
    """A database as the full set-up has it."""

    server: PostgresServer
    owner: str
    users: Path
    trusted: Path

    def address(self, user: str) -> str:
        return address_as(self.server.secured_dsn("town"), self.users, user, trusted=self.trusted)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("secured-database")
    authority = Authority(folder / "transport")
    authority.begin(at=datetime.now(UTC))
    certificate = authority.issue(Holder("database", ("localhost", "127.0.0.1")), at=datetime.now(UTC))
    try:
        with PostgresServer(folder / "data", fsync=False, certificate=certificate) as server:
            owner = server.create_database("town")
            for shard in (0, 1):
                migrate(owner, shard)
            DatabaseUsers(owner, folder / "users").make(shards=2)
            yield Town(server, owner, folder / "users", authority.trusted)
    except MissingComponentError as missing:
        pytest.skip(str(missing))


def tables(owner: str) -> list[str]:
    with psycopg.connect(owner) as connection:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'shard_0' ORDER BY 1"
        return [name for (name,) in connection.execute(query)]


def held(owner: str, user: str) -> dict[str, set[str]]:
    """Every privilege of a user on every table of a shard, as the server itself judges it."""
    query = """
        SELECT t.tablename, word
        FROM pg_tables t CROSS JOIN unnest(%(words)s::text[]) AS word
        WHERE t.schemaname = %(schema)s
          AND has_table_privilege(%(user)s, format('%%I.%%I', t.schemaname, t.tablename), word)
    """
    found: dict[str, set[str]] = {}
    with psycopg.connect(owner) as connection:
        for shard in ("shard_0", "shard_1"):
            values = {"words": list(WORDS), "schema": shard, "user": f"town_{user}"}
            in_shard: dict[str, set[str]] = {}
            for table, word in connection.execute(query, values):
                in_shard.setdefault(table, set()).add(word)
            assert not found or in_shard == found, "shards differ"
            found = in_shard
    return found


def test_nobody_but_intake_appends_to_the_log_and_nobody_changes_it(town: Town) -> None:
    for user in DatabaseUser:
        mine = held(town.owner, user)
        for table in APPENDED_TO:
            assert mine.get(table, set()) <= ({S, N} if user in WRITES_LOG else {S}), (user, table)
    assert held(town.owner, "intake")["log"] == {S, N}


def test_every_user_holds_what_its_part_needs_and_nothing_else(town: Town) -> None:
    reads = {table: {S} for table in ("head", "log", "log_key", "stream", "message_index", "restoration")}
    assert held(town.owner, "ledger") == reads | {"follower": {S, N, U}}
    assert held(town.owner, "audit") == reads | {"follower": {S}, "relay": {S}}, (
        "it counts what is parked, and cannot look at it"
    )
    assert held(town.owner, "projections") == reads | {"follower": {S, N, U}}
    assert held(town.owner, "keys") == reads | {"follower": {S}, "key_mailbox": {S, D}, "key_wish": {S, D}}
    assert held(town.owner, "operator") == reads | {
        "relay": {S},
        "input_position": {S},
        "follower": {S},
        "dead_letter": {S},
        "parked": {S},
        "parked_wish": {S, N},
    }
    intake, dispatch = held(town.owner, "intake"), held(town.owner, "dispatch")
    assert intake["follower"] == dispatch["follower"] == {S}, "they must see how far the ledger is"
    assert intake["log_key"] == {S, N, U}, (
        "who makes the keys of the log destroys them with an erasure, and nobody else does"
    )
    assert dispatch["log_key"] == {S}
    assert intake["key_mailbox"] == {N}, "intake could look at keys that units deposit"
    assert {table for table, words in dispatch.items() if words & {N}} == {
        "feed",
        "delivery",
        "unproduced",
        "unreported",
        "backfill",
    }
    assert not set().union(*intake.values(), *dispatch.values()) & {"TRUNCATE", "REFERENCES", "TRIGGER"}


def test_every_table_is_somebodys(town: Town) -> None:
    """A table that a later revision adds must be given to whoever needs it."""
    given = {table for user in DatabaseUser for table in held(town.owner, user)}
    assert set(tables(town.owner)) - given == {"alembic_version"}


def test_users_own_nothing_make_nothing_and_cannot_become_another(town: Town) -> None:
    with psycopg.connect(town.owner) as connection:
        for user in DatabaseUser:
            name = f"town_{user}"
            attributes = connection.execute(
                "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, left(rolpassword, 14)"
                " FROM pg_authid WHERE rolname = %s",
                (name,),
            ).fetchone()
            assert attributes == (False, False, False, False, False, "SCRAM-SHA-256$")
            (member,) = connection.execute(
                "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s",
                (name,),
            ).fetchone() or (None,)
            assert member == 0
            owned = connection.execute(
                "SELECT relname FROM pg_class c JOIN pg_roles r ON r.oid = relowner"
                " JOIN pg_namespace n ON n.oid = relnamespace WHERE rolname = %s AND nspname LIKE 'shard%%'",
                (name,),
            ).fetchall()
            assert owned == []
            makes = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(%s, oid, 'CREATE')", (name,)
            ).fetchall()
            assert makes == ([("projections_0",), ("projections_1",)] if user is DatabaseUser.PROJECTIONS else [])
            database = connection.execute(
                "SELECT has_database_privilege(%(u)s, 'town', 'CREATE') OR has_database_privilege(%(u)s, 'town', 'TEMP')",
                {"u": name},
            ).fetchone()
            assert database == (False,)


@pytest.mark.parametrize("user", set(DatabaseUser) - {DatabaseUser.INTAKE})
def test_an_event_of_anybody_else_is_refused_with_advice(town: Town, user: DatabaseUser) -> None:
    session = Session(ShardDatabase(town.address(user), 0))
    forged = "INSERT INTO log VALUES (0, gen_random_uuid(), 1, 'forged/1', '', now())"
    with (
        pytest.raises(StoreUnavailableError, match=r"permission denied for table log.*transport database"),
        session.use() as connection,
    ):
        connection.execute(forged)
    session.close()


def test_whoever_signs_in_does_so_over_tls_and_with_its_password(town: Town) -> None:
    address = town.address("intake")
    with psycopg.connect(address) as connection:
        assert connection.pgconn.ssl_in_use
    clear = {name: str(value) for name, value in conninfo_to_dict(address).items() if name != "sslrootcert"}
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba.conf entry.*no encryption"):
        psycopg.connect(make_conninfo(**{**clear, "sslmode": "disable"}))
    guessed = {name: str(value) for name, value in conninfo_to_dict(address).items() if name != "passfile"}
    with pytest.raises(psycopg.OperationalError, match="password authentication failed") as refused:
        psycopg.connect(make_conninfo(**{**guessed, "password": "guessed-it"}))
    assert "guessed-it" not in str(refused.value)


def told_to(address: str) -> str:
    """What somebody is told who cannot get in."""
    session = Session(ShardDatabase(address, 0))
    with pytest.raises(StoreUnavailableError) as refused, session.use():
        pass
    return str(refused.value)


def test_a_database_of_another_authority_is_refused_with_what_to_do(town: Town, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    other.begin(at=datetime.now(UTC))
    address = address_as(town.server.secured_dsn("town"), town.users, "intake", trusted=other.trusted)
    told = told_to(address)
    assert re.search(r"authority that is not trusted here.*SPOJKA_HUB_DATABASE_CA_FILE", told), told


def test_a_database_under_another_name_is_refused_with_what_to_do(town: Town) -> None:
    elsewhere = make_conninfo(town.address("intake"), host="database.example", hostaddr="127.0.0.1")
    told = told_to(elsewhere)
    assert re.search(r"database\.example:\d+ is for another name.*apply --server database=HOST", told), told


def test_a_database_whose_certificate_has_expired_is_refused_with_what_to_do(town: Town) -> None:
    authority, holder = Authority(town.trusted.parent), Holder("database", ("localhost", "127.0.0.1"))
    show(town, authority.issue(holder, at=datetime.now(UTC) - timedelta(days=730)))
    try:
        told = told_to(town.address("intake"))
        assert re.search(r"has expired.*rotate certificates.*reload", told), told
    finally:
        show(town, authority.issue(holder, at=datetime.now(UTC)))
    with psycopg.connect(town.address("intake")) as connection:
        assert connection.pgconn.ssl_in_use


@pytest.mark.parametrize(
    ("host", "of_another", "told"),
    [
        ("127.0.0.1", True, r"authority that is not trusted here.*`sslrootcert`"),
        ("database.example", False, r"database\.example:\d+ is for another name.*as the certificate names it"),
    ],
)
def test_a_unit_with_its_own_database_is_told_what_is_wrong_with_its_certificate(
    town: Town, tmp_path: Path, host: str, *, of_another: bool, told: str
) -> None:
    other = Authority(tmp_path)
    other.begin(at=datetime.now(UTC))
    trusted = other.trusted if of_another else town.trusted
    address = (
        f"postgresql://unit@{host}:{town.server.port}/town?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={trusted}"
    )
    with pytest.raises(StoreError, match=told):
        UnitStore.open(address)


def show(town: Town, certificate: Path) -> None:
    """The running server shows this one to whoever comes next, as after an operator's `reload`."""
    shown = x509.load_pem_x509_certificate((certificate / CERTIFICATE).read_bytes()).public_bytes(Encoding.DER)
    for name in (KEY, CERTIFICATE):
        (town.server.data_dir / name).write_bytes((certificate / name).read_bytes())
    with psycopg.connect(town.owner) as owner:
        owner.execute("SELECT pg_reload_conf()")
    while certificate_of(town) != shown:
        continue


def certificate_of(town: Town) -> bytes | None:
    """What the server shows, whoever signed it."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", town.server.port), timeout=10) as line:
        line.sendall(struct.pack("!ii", 8, 80877103))
        assert line.recv(1) == b"S"
        with anybody.wrap_socket(line) as speaking:
            return speaking.getpeercert(binary_form=True)


def test_passwords_are_renewed_while_sessions_go_on(town: Town) -> None:
    before = (town.users / "ledger").read_text()
    with psycopg.connect(town.address("ledger")) as open_since_before:
        DatabaseUsers(town.owner, town.users).make(shards=2, renew=True)
        assert (town.users / "ledger").read_text() != before
        assert open_since_before.execute("SELECT position FROM shard_0.head").fetchone() == (0,)
    with psycopg.connect(town.address("ledger")) as anew:
        assert anew.execute("SELECT position FROM shard_0.head").fetchone() == (0,)
    old = town.users / "old"
    old.write_text(before)
    old.chmod(0o600)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(make_conninfo(town.address("ledger"), passfile=str(old)))


def test_what_somebody_was_given_by_hand_is_taken_away_again(town: Town) -> None:
    with psycopg.connect(town.owner) as connection:
        connection.execute("GRANT DELETE ON shard_0.log TO town_operator; GRANT TRUNCATE ON shard_1.log TO PUBLIC")
    DatabaseUsers(town.owner, town.users).make(shards=2)
    with psycopg.connect(town.owner) as connection:
        wide = connection.execute(
            "SELECT has_table_privilege('town_operator', 'shard_0.log', 'DELETE'),"
            " has_table_privilege('town_operator', 'shard_1.log', 'TRUNCATE')"
        ).fetchone()
    assert wide == (False, False)


def test_a_password_is_in_no_statement(town: Town) -> None:
    log = town.server.data_dir.parent / f"{town.server.data_dir.name}.log"
    passwords = [file.read_text().strip().rpartition(":")[2] for file in town.users.iterdir()]
    assert passwords
    assert all(len(one) > 20 and re.fullmatch(r"[\w-]+", one) and one not in log.read_text() for one in passwords)


def test_a_password_file_that_others_can_read_keeps_the_hub_from_starting(tmp_path: Path) -> None:
    users = tmp_path / "database-users"
    users.mkdir()
    (users / "intake").write_text("*:*:*:town_intake:secret")
    (users / "intake").chmod(0o640)
    with pytest.raises(SecretFileError, match=r"intake can be read by others \(640\)"):
        open_house(load_settings(home=tmp_path, database="dbname=town", database_users=users))
