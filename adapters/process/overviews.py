"""A unit's read models: brought up to date from its journal, in a file of their own that may be deleted at any time.

Invariant: several processes may bring them up to date at once; each item is applied by one of them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Connection

from adapters.drafts import ClientKey
from adapters.errors import AdapterError
from adapters.process.journal_source import JournalSource
from adapters.process.unit_databases import OVERVIEWS
from adapters.storage.encrypting import encrypt
from adapters.storage.unit_store import UnitStore
from projections.database import empty_log, open_database, writing
from projections.encrypted_file import DatabaseKey, ForeignFileError
from projections.errors import OvertakenError
from projections.grounds import GroundsInForce
from projections.local_views import Showing, forget_clients, note_clients, note_showing, offer_views
from projections.one_person import OnePerson
from projections.parsed import parse_journal
from projections.runner import CHUNK, Lag, Runner
from projections.timeline import Timeline
from projections.worklist import Worklist

FILE: Final = OVERVIEWS
_CLIENTS_AT_ONCE: Final = 500


class OverviewsError(AdapterError):
    """The read models do not open."""


class Overviews:
    """Timeline, worklist and reasons to share of one unit."""

    def __init__(self, database: Path, store: UnitStore, key: DatabaseKey | None = None) -> None:
        if key is not None:
            encrypt(database, key)
        self._engine = open_database(f"sqlite:///{database}", key)
        models = (Timeline(), Worklist(), GroundsInForce(), OnePerson())
        self._source = JournalSource(store)
        self._runner = Runner(self._engine, self._source, parse=parse_journal, projections=models, served=offer_views)
        try:
            self._runner.prepare()
        except ForeignFileError as error:
            raise OverviewsError(
                f"The unit's overviews {database} do not open with its key",
                advice="Delete that file: they are made again from the unit's database.",
            ) from error

    @classmethod
    def open(cls, folder: Path, store: UnitStore, key: DatabaseKey | None = None) -> Self:
        """The read models in a unit's folder, encrypted under a key. Raises `OverviewsError`, `EncryptionError`."""
        return cls(folder / FILE, store, key)

    def bring_up_to_date(self) -> None:
        """Apply all that is in the journal now. What was erased is gone from the file then."""
        while True:
            try:
                read = self._runner.step()
            except OvertakenError:  # another process applied it
                continue
            if read < CHUNK:  # the end of the journal; a rebuild that met it serves by now
                break
        if self._source.erased:
            empty_log(self._engine)
            self._source.erased = False

    def lag(self, now: datetime) -> Mapping[str, Lag]:
        """How far each is behind."""
        return self._runner.lag(now)

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """A connection for queries of `projections`."""
        with self._engine.connect() as connection:
            yield connection

    def keep_for_local_systems(self, showing: Showing, store: UnitStore) -> None:
        """Note for the SQL views whether others' entries show, and which subject has which case number."""
        with writing(self._engine) as connection:
            offer_views(connection)
            note_showing(connection, showing)
        after: ClientKey | None = None
        with store.read() as tx:
            while page := tx.clients.page(after, _CLIENTS_AT_ONCE):
                after = page[-1][0]
                with writing(self._engine) as connection:
                    note_clients(connection, ((subject, client) for client, subject in page))
            with writing(self._engine) as connection:
                forget_clients(connection, tx.clients.linked)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
