"""One unit's database: opens it and gives transactions.

Invariants: a write transaction is the only one at its time (SQLite `BEGIN IMMEDIATE`, PostgreSQL an advisory lock) and is durable when it returns
(`synchronous=FULL`), unless the caller says that all of it would come again; one that waits for the disk makes those before it durable too.
The end of this process, however it ends, undoes nothing that returned. Whatever raises inside leaves nothing behind; a read transaction sees one
state and cannot write; what this process was making durable when it began is in that state.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, RootTransaction, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from adapters.errors import AdapterError
from adapters.storage.alarms import Alarms
from adapters.storage.api_answers import ApiAnswers
from adapters.storage.api_tokens import ApiTokens
from adapters.storage.clients import Clients
from adapters.storage.content_keys import ContentKeys
from adapters.storage.emergencies import Emergencies
from adapters.storage.encrypting import encrypt
from adapters.storage.entry_proofs import EntryProofs
from adapters.storage.exports import Exports
from adapters.storage.feed_places import FeedPlaces
from adapters.storage.followers import Followers
from adapters.storage.gossip import Gossip
from adapters.storage.held import Held
from adapters.storage.import_rows import ImportRows
from adapters.storage.journal import Journal
from adapters.storage.late_rows import LateRows, late_rows
from adapters.storage.ledger import SeenLedger
from adapters.storage.not_same import NotSame
from adapters.storage.numbers import Numbers
from adapters.storage.obligations import Obligations
from adapters.storage.opening_keys import OpeningKeys
from adapters.storage.outbox import Outbox
from adapters.storage.pairings import Pairings
from adapters.storage.partner_mails import PartnerMails
from adapters.storage.polls import Polls
from adapters.storage.quarantine import Quarantine
from adapters.storage.receipts import Receipts
from adapters.storage.recovery import Recovery
from adapters.storage.reports import Reports
from adapters.storage.schema import VERSION, upgrade, version_of
from adapters.storage.suspicious import Suspicious
from adapters.storage.trust_lists import TrustLists
from adapters.storage.webhooks import Webhooks
from projections.certificate_fault import CertificateFault
from projections.database import empty_log, engine_of
from projections.database_certificate import refusal
from projections.encrypted_file import DatabaseKey, ForeignFileError

_BUSY_MS: Final = 30_000
_TRY_AGAIN_MS: Final = 2
"""For so long SQLite tries every millisecond."""
_WRITES: Final = "spojka_writes"
_DURABLE: Final = "spojka_durable"
_CACHE: Final = "spojka_cache"
_CACHE_KIB: Final = 2_000
_BULK_CACHE_KIB: Final = 8_000
"""SQLite writes what does not fit into its cache before the transaction ends, and again when it is changed once more: an import changes much."""
_LONGEST_LOG: Final = 64 * 1024 * 1024
"""Bytes of SQLite's log of changes after which an import stops to empty it."""
_OWN: Final = "spojka_own"
"""Under which a connection keeps what tells it from every other."""
_DISK_FULL: Final = "53100"
"""PostgreSQL's SQLSTATE for it."""
_LOCK: Final = 0x53504F4A
"""Of the one writer of a PostgreSQL database (`SPOJ`)."""
_CERTIFICATE: Final[Mapping[CertificateFault, str]] = {
    "unknown-authority": "Name the authority's file in the address (`sslrootcert`); if it is that one, somebody else answers there.",
    "expired": "Whoever runs the database must renew it and have PostgreSQL reload.",
    "not-yet-valid": "Set the clocks of both machines right.",
    "wrong-name": "Write the host in the address as the certificate names it; if it is right, somebody else answers there.",
    "other": "Send whoever runs the database this message.",
}


class StoreError(AdapterError):
    """The unit's database cannot be opened or refuses to work."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How often, as far as one transaction could tell, the database had been written to when it began (see `UnitStore.untouched_since`)."""

    turn: int
    connection: object
    """On SQLite, which counts for each connection what others wrote."""
    version: int


class Transaction:
    """All of a unit's tables over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.late = late_rows(connection) or LateRows()
        self.clients = Clients(connection)
        self.numbers = Numbers(connection)
        self.outbox = Outbox(connection)
        self.receipts = Receipts(connection)
        self.held = Held(connection)
        self.quarantine = Quarantine(connection)
        self.journal = Journal(connection)
        self.content_keys = ContentKeys(connection)
        self.opening_keys = OpeningKeys(connection)
        self.places = FeedPlaces(connection)
        self.suspicious = Suspicious(connection)
        self.trust_lists = TrustLists(connection)
        self.import_rows = ImportRows(connection)
        self.pairings = Pairings(connection)
        self.not_same = NotSame(connection)
        self.obligations = Obligations(connection)
        self.followers = Followers(connection)
        self.polls = Polls(connection)
        self.exports = Exports(connection)
        self.partner_mails = PartnerMails(connection)
        self.reports = Reports(connection)
        self.emergencies = Emergencies(connection)
        self.recovery = Recovery(connection)
        self.api_tokens = ApiTokens(connection)
        self.api_answers = ApiAnswers(connection)
        self.webhooks = Webhooks(connection)
        self.ledger = SeenLedger(connection)
        self.gossip = Gossip(connection)
        self.proofs = EntryProofs(connection)
        self.alarms = Alarms(connection)


class UnitStore:
    """The database of one unit; safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = RLock()
        """Writers of this process take turns here: SQLite has them sleep and try again, up to 100 ms at a time, whoever came first."""
        self._turns = 0
        """Write transactions that this process began."""
        self._committing: Future[None] | None = None
        """What this process made durable last while it went on with something else."""

    @classmethod
    def open(cls, where: str | Path, key: DatabaseKey | None = None) -> Self:
        """Open (and create or bring up to date) a SQLite file, encrypted under `key`, or the database of a PostgreSQL URL.

        A file that lies in clear is encrypted first; without a key it stays as it is. Raises `StoreError`, `EncryptionError`, `NoCipherError`, and
        `NewerDatabaseError` for a database that a newer adapter wrote.
        """
        url = _url(where)
        if url.get_backend_name() == "sqlite":
            if key is not None:
                encrypt(Path(str(url.database)), key)
            store = cls(_sqlite(url, key))
        else:
            store = cls(create_engine(url, pool_pre_ping=True, hide_parameters=True))
        try:
            store._bring_up_to_date()
        except ForeignFileError as error:
            store.close()
            raise StoreError(error.problem, advice=error.advice) from error
        except SQLAlchemyError as error:
            store.close()
            _tell_of_certificate(error)
            raise StoreError(
                f"The database {url.render_as_string(hide_password=True)} does not open: {type(error).__name__}",
                advice="Check that the folder exists and is writable, or that the server runs and lets this user in.",
            ) from error
        return store

    def _bring_up_to_date(self) -> None:
        """Looks first, so that opening a current database waits for nobody who writes."""
        with self.read() as tx:
            found = version_of(tx.connection)
        if found == VERSION:
            return
        if 0 < found < VERSION and self._engine.dialect.name == "sqlite":
            self._keep(found)
        with self.write() as tx:
            upgrade(tx.connection)

    def _keep(self, version: int) -> None:
        """The database as it was before an upgrade, beside the new one, for whoever must go back to the older adapter."""
        database = Path(str(self._engine.url.database))
        kept = database.with_name(f"{database.name}.version-{version}")
        if not kept.exists():
            with self._engine.connect() as connection:
                connection.connection.driver_connection.execute("VACUUM INTO ?", (str(kept),))  # type: ignore[union-attr] # the driver's own call
            kept.chmod(0o600)

    @contextmanager
    def write(
        self, *, durable: bool = True, bulk: bool = False, meanwhile: Callable[[], object] | None = None
    ) -> Iterator[Transaction]:
        """The one write transaction: everything or nothing; `bulk` for thousands of rows. Raises `StoreError` where the disk is full.

        `meanwhile` is done while late rows are written and the transaction is made durable, and is no part of it: what it raises comes once that is
        over, and undoes nothing.

        With `durable` False a power cut, or a crash of PostgreSQL's server, may undo it with all such writes behind it; the end of this process does
        not. So it is for two things: what came from the broker in one transaction with the place up to which it was read (the same stretch is read
        again), and where the broker stored a message (the same bytes are sent again, and the hub recognises them).
        """
        with (
            self._turn,
            _full_disk_told(),
            self._engine.connect().execution_options(**_options(durable=durable, bulk=bulk)) as connection,
            connection.begin() as begun,
        ):
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                if not durable:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            self._turns += 1
            tx = Transaction(connection)
            yield tx
            if meanwhile is None:
                tx.late.write(connection)
            else:
                self._commit(begun, tx.late, meanwhile)
        if bulk:
            self._keep_log_short()

    def _commit(self, begun: RootTransaction, late: LateRows, meanwhile: Callable[[], object]) -> None:
        """SQLite encrypts, writes and waits for the disk without Python's lock, so two processors have something to do; a server does that itself."""
        if self._engine.dialect.name != "sqlite":
            _commit_or_roll_back(begun, late)
            meanwhile()
            return
        with ThreadPoolExecutor(1) as beside:
            committing = self._committing = beside.submit(_commit_or_roll_back, begun, late)
            try:
                meanwhile()
            finally:
                committing.result()

    def _keep_log_short(self) -> None:
        """Where an import and people write in turns without a pause, SQLite finds no moment to begin its log anew: it would grow with each row."""
        if self._engine.dialect.name == "sqlite":
            log = Path(f"{self._engine.url.database}-wal")
            if log.exists() and log.stat().st_size > _LONGEST_LOG:
                empty_log(self._engine)

    def mark(self, tx: Transaction) -> Mark:
        """Taken in a write transaction, for the one behind it to ask whether anything came between."""
        turn = self._turns
        if tx.connection.dialect.name == "postgresql":
            return Mark(
                turn, None, tx.connection.exec_driver_sql("SELECT pg_current_xact_id()::text::bigint").scalar_one()
            )
        version = tx.connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        return Mark(turn, tx.connection.info.setdefault(_OWN, object()), version)

    def untouched_since(self, mark: Mark | None, tx: Transaction) -> bool:
        """Whether nobody, in this process or another, has written since the committed transaction that took the mark. False where that is unsure."""
        if mark is None or self._turns != mark.turn + 1:
            return False
        if (
            tx.connection.dialect.name == "postgresql"
        ):  # transactions of writers get their numbers in their order, under the lock
            behind = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
            return bool(tx.connection.exec_driver_sql(behind).scalar_one() == mark.version + 1)
        return self.mark(tx) == replace(mark, turn=self._turns)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A look at one state."""
        if self._committing is not None:
            wait([self._committing])
        with self._engine.connect() as connection:
            sqlite = connection.dialect.name == "sqlite"
            if sqlite:
                connection.exec_driver_sql("PRAGMA query_only = ON")
            else:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            try:
                yield Transaction(connection)
            finally:
                connection.rollback()
                if sqlite:
                    connection.exec_driver_sql("PRAGMA query_only = OFF")

    def scrub(self) -> None:
        """Have what was erased leave SQLite's files too: freed pages are overwritten, and so is the log of changes once nobody reads an older state.

        Whoever reads just now delays that until the next time, or the last close. PostgreSQL frees its rows and its log in its own time.
        """
        if self._engine.dialect.name == "sqlite":
            empty_log(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _commit_or_roll_back(begun: RootTransaction, late: LateRows) -> None:
    """As SQLAlchemy does at the end of a block: what could not be committed is still open in SQLite."""
    try:
        late.write(begun.connection)
        begun.commit()
    except BaseException:
        begun.rollback()
        raise


def _options(*, durable: bool, bulk: bool) -> dict[str, Any]:
    cache = _BULK_CACHE_KIB if bulk else _CACHE_KIB
    return {_WRITES: True, _DURABLE: durable, _CACHE: cache, **LateRows().options()}


@contextmanager
def _full_disk_told() -> Iterator[None]:
    """A full disk is for a person to mend, so it is said in words; everything else passes unchanged."""
    try:
        yield
    except OperationalError as error:
        code = getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None)
        if code not in {(sqlite3.SQLITE_FULL, None), (None, _DISK_FULL)}:
            raise
        raise StoreError(
            "The disk with the unit's database is full; nothing was written",
            advice="Free some space on it, then do it again: what was recorded before is kept.",
        ) from error


def _tell_of_certificate(error: SQLAlchemyError) -> None:
    """Raises `StoreError` where a server could not show whose it is."""
    cause = error.orig if isinstance(error, OperationalError) else None
    refused = None if cause is None else refusal(cause)
    if refused is not None:
        raise StoreError(refused.problem, advice=_CERTIFICATE[refused.fault]) from error


def _url(where: str | Path) -> URL:
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    url = make_url(where)
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def _sqlite(url: URL, key: DatabaseKey | None) -> Engine:
    engine = engine_of(str(url.database), key)
    driver = engine.dialect.loaded_dbapi

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's own objects
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"busy_timeout = {_BUSY_MS}",
            "foreign_keys = ON",
            "wal_autocheckpoint = 4000",
            "secure_delete = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get(_WRITES, False):
            connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if options[_DURABLE] else 'NORMAL'}")
            if connection.info.get(_CACHE, _CACHE_KIB) != options[_CACHE]:
                connection.exec_driver_sql(f"PRAGMA cache_size = -{options[_CACHE]}")
                connection.info[_CACHE] = options[_CACHE]
            _take_turn(connection.connection.driver_connection, driver.OperationalError)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _take_turn(connection: Any, busy: type[Exception]) -> None:  # noqa: ANN401 - the driver's own connection
    """Begin to write once no other process does.

    SQLite's own wait grows to 100 ms between two tries, so that whoever writes often keeps the others out.
    """
    deadline = time.monotonic() + _BUSY_MS / 1000
    connection.execute(f"PRAGMA busy_timeout = {_TRY_AGAIN_MS}")
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            break
        except busy as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
