"""The backup of an adapter: one file with everything that exists nowhere else.

Invariants: a database is copied by its own online backup while the adapter works on, under the same key, and checked before the file gets its name;
keys that are locked are in it locked, and what unlocks them is not; the file is written
whole or not at all, and only its owner may read it, since it holds private keys and clients; reading it back checks every member against the
manifest before anything is put in place.
"""

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from adapters.errors import AdapterError
from adapters.process.sole_runner import LOCK_FILE
from adapters.process.unit_databases import OVERVIEWS, UnitDatabases
from adapters.process.unit_house import DATABASE
from adapters.settings import AdapterSettings
from adapters.storage.encrypting import REWRITTEN
from contracts.names import Programme, Unit, UnitId
from projections.encrypted_file import connect, driver_of

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
LAST_BACKUP: Final = "last-backup"
"""File in the home with the instant of the last backup, for the doctor."""
ASIDE: Final = "before-restore"
"""How the folder begins into which a restore moves what was there."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _relative(name: str) -> str:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise ValueError("a member's name is relative and has no step upwards")
    return name


MemberName = Annotated[str, AfterValidator(_relative)]


class BackupError(AdapterError):
    """A backup cannot be made, or is not whole."""


class Manifest(BaseModel):
    """What a backup holds: SHA-256 of every member by its name."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int
    programme: Programme
    units: tuple[Unit, ...]
    made_at: AwareDatetime
    members: dict[MemberName, Digest]


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the adapter's home."""

    name: str
    path: Path


def back_up(settings: AdapterSettings, target: Path, *, at: datetime) -> Manifest:
    """Write the backup of all units to `target`. Raises `BackupError`; then there is no such file, or the one from before."""
    if target.is_relative_to(settings.home):
        raise BackupError(f"{target} lies in the adapter's own folder", advice="Name a file on another disk.")
    try:
        with tempfile.TemporaryDirectory(prefix=".spojka-backup-", dir=target.parent) as scratch:
            members = list(_members(settings, Path(scratch)))
            manifest = Manifest(
                format=FORMAT,
                programme=settings.programme,
                units=settings.unit_names,
                made_at=at,
                members={one.name: _digest(one.path) for one in members},
            )
            written = Path(scratch) / "backup.tar"
            _write(written, manifest, members)
            written.replace(target)
        (settings.home / LAST_BACKUP).write_text(at.isoformat(), encoding="ascii")
    except OSError as error:
        raise BackupError(
            f"The backup cannot be written to {target.parent}: {error.strerror}",
            advice="Name a file on another disk, with enough space and open to this user.",
        ) from error
    return manifest


def _members(settings: AdapterSettings, scratch: Path) -> Iterator[Member]:
    """Everything in the home but what can be made again."""
    found = sorted(path for path in settings.home.rglob("*") if path.is_file())
    for number, path in enumerate(found):
        name = path.relative_to(settings.home)
        if _made_again(name):
            continue
        if path.name == DATABASE:
            copy = scratch / f"{number}.db"
            _copy_database(UnitDatabases.as_they_lie(path.parent, UnitId(path.parent.name)), copy)
            path = copy  # noqa: PLW2901 - what is archived in its place
        yield Member(name.as_posix(), path)


def _made_again(name: Path) -> bool:
    top = name.parts[0]
    derived = top.startswith((ASIDE, ".")) or name.name.startswith(OVERVIEWS) or name.name in {LOCK_FILE, LAST_BACKUP}
    beside = name.name in {f"{DATABASE}-wal", f"{DATABASE}-shm"} or REWRITTEN in name.name
    return derived or beside or name.suffix == ".log"


def _copy_database(databases: UnitDatabases, copy: Path) -> None:
    unit = databases.folder.name
    try:
        with closing(databases.look_into("store")) as live, closing(connect(copy, databases.store)) as new:
            live.backup(new)
            (verdict,) = new.execute("PRAGMA quick_check").fetchone()
    except driver_of(databases.store).Error as error:
        raise BackupError(
            f"The database of {unit} cannot be copied: {error}", advice="Run spojka-adapter doctor; keep older backups."
        ) from error
    if verdict != "ok":
        raise BackupError(
            f"The database of {unit} is damaged: {verdict}", advice="Keep older backups and ask the operator for help."
        )


def _write(path: Path, manifest: Manifest, members: list[Member]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            document = manifest.model_dump_json(indent=1).encode()
            archive.addfile(_header(MANIFEST, len(document)), io.BytesIO(document))
            for one in members:
                with one.path.open("rb") as content:
                    archive.addfile(_header(one.name, one.path.stat().st_size), content)
        file.flush()
        os.fsync(file.fileno())


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    return header


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


@contextmanager
def opened(backup: Path, *, within: Path) -> Iterator[tuple[Manifest, Path]]:
    """A backup unpacked into a private folder inside `within`, every member checked. Raises `BackupError`."""
    with tempfile.TemporaryDirectory(prefix=".spojka-restore-", dir=within) as scratch:
        folder = Path(scratch)
        manifest = _unpack(backup, folder)
        for name, digest in manifest.members.items():
            path = folder / name
            if not path.is_file() or _digest(path) != digest:
                raise BackupError(
                    f"{name} in {backup.name} is not what was backed up",
                    advice="Take another backup: this one is damaged.",
                )
        yield manifest, folder


def _unpack(backup: Path, folder: Path) -> Manifest:
    try:
        with tarfile.open(backup, mode="r:") as archive:
            archive.extractall(folder, filter="data")
        return Manifest.model_validate(json.loads((folder / MANIFEST).read_bytes()))
    except (OSError, ValueError, tarfile.TarError, ValidationError) as error:
        raise BackupError(
            f"{backup} does not read as a backup of an adapter", advice="Take another file, or an older backup."
        ) from error
