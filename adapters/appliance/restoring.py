"""Putting a backup back, and going on without one.

Invariants: nothing that is there is overwritten, it is moved aside; nothing is moved before the whole backup was checked; a unit whose database is
older than what the hub knows is marked so before it is put in place, all units by one rename, so that after a crash at any point none works unmarked
and repeats a number (see `adapters.storage.recovery`).
"""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adapters import keyring
from adapters.appliance.archive import ASIDE, BackupError, Manifest, opened
from adapters.process.sole_runner import sole_runner
from adapters.process.unit_databases import UnitDatabases
from adapters.process.unit_house import DATABASE, KEYS
from adapters.settings import AdapterSettings, unit_folder, units_in
from contracts.dsse import from_envelope
from contracts.names import UnitId
from contracts.trust_list import TrustList


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where what was there before lies now."""

    manifest: Manifest
    aside: Path | None


def restore(backup: Path, home: Path, *, at: datetime, secret: Path | None = None) -> Restored:
    """Put a backup into `home`; an adapter that is there is moved aside. `secret` unlocks the keys where it lies elsewhere than before.

    Raises `BackupError`, `LockError`, and what opening the databases raises: a backup whose keys stay closed is not put in place.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with sole_runner(home), opened(backup, within=home) as (manifest, folder):
        for unit in map(UnitId, manifest.units):
            of_unit = unit_folder(folder, unit)
            if secret is not None:
                keyring.lock(of_unit / KEYS, unit, secret)
            _mark(UnitDatabases.as_they_lie(of_unit, unit), at, shards=1)
        _keep_private(folder)
        aside = _move_aside(home, at)
        (folder / "units").rename(home / "units")
        for name in manifest.members:
            if (folder / name).exists() and not (
                home / name
            ).exists():  # settings of today win over those of the backup
                (home / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                (folder / name).rename(home / name)
    return Restored(manifest, aside)


def begin_without_backup(settings: AdapterSettings, unit: UnitId, *, at: datetime) -> None:
    """A new database under the unit's old key: the hub gives back what the unit had published. Raises `BackupError` where there is a database."""
    folder = unit_folder(settings.home, unit)
    keyring.load(folder / KEYS, unit)
    if (folder / DATABASE).exists():
        raise BackupError(
            f"Unit {unit} has a database", advice="Restore a backup over it, or move the file away to go on without it."
        )
    first, _ = settings.read_first_list()
    with sole_runner(settings.home):
        _mark(UnitDatabases.of(folder, unit, settings.unencrypted), at, shards=first.listed.shards)


def _mark(databases: UnitDatabases, at: datetime, *, shards: int) -> None:
    """The hub knows more than this database: of the newest trust list's shards, or so many where it has no list yet."""
    with closing(databases.open_store()) as store, store.write() as tx:
        newest = tx.trust_lists.latest()
        tx.recovery.begin(range(shards if newest is None else listed_in(newest.envelope).shards), at=at)


def _keep_private(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _move_aside(home: Path, at: datetime) -> Path | None:
    there: Iterable[UnitId] = units_in(home)
    if not there:
        return None
    aside = home / f"{ASIDE}-{at:%Y%m%d-%H%M%S}"
    (home / "units").rename(aside)
    return aside


def listed_in(envelope: bytes) -> TrustList:
    """The trust list in an envelope that was verified when it was kept."""
    signed, _ = from_envelope(envelope)
    return TrustList.model_validate_json(signed.payload)
