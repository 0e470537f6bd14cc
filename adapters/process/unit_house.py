"""Everything of one unit, opened: database, key, trust lists, desk. What the running adapter and each command start from.

Invariants: nothing is opened twice; a story's clock is used only while the programme's trust list says that it is a trial; the first trust list
comes from the operator's file, every later one is verified against the one before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from adapters import keyring
from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.exchange.directory_book import DirectoryBook
from adapters.process.overviews import Overviews
from adapters.process.unit_databases import KEYS as KEYS_FOLDER
from adapters.process.unit_databases import STORE, UnitDatabases
from adapters.process.unit_keys import UnitKeys
from adapters.settings import AdapterSettings, SettingsError, unit_folder
from adapters.storage.one_transaction import OneTransaction
from adapters.storage.trust_lists import KeptTrustList
from adapters.storage.unit_store import Transaction, UnitStore
from contracts.names import UnitId
from contracts.trust_list import Directory
from projections.process.clock import Clock, ClockError, FileClock, SystemClock

DATABASE: Final = STORE
KEYS: Final = KEYS_FOLDER


@dataclass(frozen=True, slots=True)
class TrialClock:
    """A story's clock that a real programme refuses."""

    story: Clock
    directory: Callable[[], Directory | None]
    rehearsal: bool = False

    def now(self) -> datetime:
        """The story's instant. Raises `SettingsError` outside a trial, and where the file has none."""
        directory = self.directory()
        if directory is not None and not directory.listed.trial and not self.rehearsal:
            raise SettingsError(
                f"Programme {directory.listed.programme} is no trial, so its time is the system's",
                advice="Set clock = 'system', or rehearsal = true where all people are invented.",
            )
        try:
            return self.story.now()
        except ClockError as error:
            raise SettingsError("The story clock has no time", advice=f"{error}.") from error


@dataclass(frozen=True, slots=True)
class UnitHouse:
    """One unit, opened. Close it at the end."""

    unit: UnitId
    folder: Path
    settings: AdapterSettings
    store: UnitStore
    book: DirectoryBook
    clock: Clock
    desk: Desk
    keys: UnitKeys
    databases: UnitDatabases

    @classmethod
    def open(cls, settings: AdapterSettings, unit: UnitId) -> Self:
        """Open a unit. Raises `SettingsError`, `KeyringError`, `StoreError` and the like, each with what to do."""
        folder = unit_folder(settings.home, unit)
        if not folder.is_dir():
            raise SettingsError(
                f"There is no unit {unit} in {settings.home}", advice=f"Make it: spojka-adapter enrol {unit} …"
            )
        first, roots = settings.read_first_list()
        keyring.load(folder / KEYS, unit)  # before anything is made beside it
        databases = UnitDatabases.of(folder, unit, settings.unencrypted)
        store = databases.open_store()
        with store.write() as tx:
            if tx.trust_lists.latest() is None:
                envelope = (settings.home / settings.first_list).read_bytes()
                tx.trust_lists.keep(KeptTrustList(first.version, envelope, first.listed.issued_at))
        book = DirectoryBook(store, unit=unit, roots=roots)
        clock = _clock(settings, lambda: book.newest)
        keys = UnitKeys(folder / KEYS, unit, directory=lambda: book.newest, clock=clock)
        signer = Signer(settings.programme, keys.first, keys.current)
        desk = Desk(store, signer=signer, directory=lambda: book.newest, clock=clock)
        return cls(unit, folder, settings, store, book, clock, desk, keys, databases)

    @property
    def directory(self) -> Directory:
        """The newest trust list; there always is the first."""
        newest = self.book.newest
        if newest is None:
            raise SettingsError("The first trust list is gone from the database", advice="Restore the backup.")
        return newest

    def desk_within(self, tx: Transaction) -> Desk:
        """The desk in the middle of a transaction: what it records becomes durable with all else that is written there, or not at all."""
        return Desk(OneTransaction(tx), signer=self.desk.signer, directory=lambda: self.book.newest, clock=self.clock)

    def overviews(self) -> Overviews:
        """The unit's read models, up to date."""
        found = Overviews.open(self.folder, self.store, self.databases.overviews)
        found.bring_up_to_date()
        return found

    def close(self) -> None:
        """Close the database."""
        self.store.close()


def _clock(settings: AdapterSettings, directory: Callable[[], Directory | None]) -> Clock:
    if settings.clock == "system":
        return SystemClock()
    story = FileClock(settings.home / settings.clock.removeprefix("file:"))
    return TrialClock(story, directory, settings.rehearsal)
