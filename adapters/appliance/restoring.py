"""Putting a backup back, and going on without one.

Invariants: nothing that is there is overwritten, it is moved aside; nothing is moved before the whole backup was checked; a unit whose database is
older than what the hub knows is marked so, and repeats no number (see `adapters.storage.recovery`).
"""

import shutil
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adapters import keyring
from adapters.appliance.archive import ASIDE, BackupError, Manifest, opened
from adapters.process.sole_runner import sole_runner
from adapters.process.unit_house import DATABASE, KEYS
from adapters.settings import AdapterSettings, load_settings, unit_folder, units_in
from adapters.storage.unit_store import UnitStore
from contracts.dsse import from_envelope
from contracts.names import UnitId
from contracts.trust_list import TrustList


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where what was there before lies now."""

    manifest: Manifest
    aside: Path | None


def restore(backup: Path, home: Path, *, at: datetime) -> Restored:
    """Put a backup into `home`; an adapter that is there is moved aside. Raises `BackupError`, and what opening the databases raises."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with sole_runner(home), opened(backup) as (manifest, folder):
        aside = _move_aside(home, at)
        for name in manifest.members:
            target = home / name
            if target.exists():  # settings of today win over those of the backup
                continue
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(folder / name, target)
            target.chmod(0o600)
        settings = load_settings(home)
        for unit in manifest.units:
            _mark(settings, UnitId(unit), at)
    return Restored(manifest, aside)


def begin_without_backup(settings: AdapterSettings, unit: UnitId, *, at: datetime) -> None:
    """A new database under the unit's old key: the hub gives back what the unit had published. Raises `BackupError` where there is a database."""
    folder = unit_folder(settings.home, unit)
    keyring.load(folder / KEYS, unit)
    if (folder / DATABASE).exists():
        raise BackupError(
            f"Unit {unit} has a database", advice="Restore a backup over it, or move the file away to go on without it."
        )
    with sole_runner(settings.home):
        _mark(settings, unit, at)


def _mark(settings: AdapterSettings, unit: UnitId, at: datetime) -> None:
    first, _ = settings.read_first_list()
    with closing(UnitStore.open(unit_folder(settings.home, unit) / DATABASE)) as store, store.write() as tx:
        newest = tx.trust_lists.latest()
        listed = first.listed if newest is None else listed_in(newest.envelope)
        tx.recovery.begin(range(listed.shards), at=at)


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
