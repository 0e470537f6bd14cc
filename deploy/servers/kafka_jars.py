"""Apache Kafka's jars: fetched once with Maven, kept outside of the checkout, checked against pinned SHA-256 at every use.

`${XDG_CACHE_HOME:-~/.cache}/spojka/kafka-4.2.1` appears whole or not at all, so several first users do not disturb each other.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.servers.errors import DamagedDownloadError, MissingComponentError
from deploy.servers.java import maven

VERSION = "4.2.1"
SETTINGS = Path(__file__).resolve().parents[1] / "kafka"
_POM = SETTINGS / "pom.xml"
_SUMS = SETTINGS / "SHA256SUMS"


def cache_folder() -> Path:
    """Where the jars are kept."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "spojka" / f"kafka-{VERSION}"


def kafka_jars() -> Path:
    """The folder of the jars, fetched if need be (10 s); raises MissingComponentError or DamagedDownloadError."""
    folder = cache_folder()
    if not folder.exists():
        _fetch(folder)
    verify(folder)
    return folder


def verify(folder: Path) -> None:
    """Raises DamagedDownloadError unless `folder` holds exactly the pinned files."""
    lines = (line.split() for line in _SUMS.read_text().splitlines())
    pinned = {name: digest for digest, name in lines}
    names = sorted(pinned.keys() | {path.name for path in folder.iterdir()})
    damaged = [name for name in names if _digest(folder / name) != pinned.get(name)]
    if damaged:
        raise DamagedDownloadError(folder, names=damaged)


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return "missing"
    with path.open("rb") as jar:
        return hashlib.file_digest(jar, "sha256").hexdigest()


def _fetch(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    print(f"Fetching Apache Kafka {VERSION} (44 MB, once) …", file=sys.stderr)
    try:
        _copy_dependencies(fresh)
        verify(fresh)
        fresh.chmod(0o755)
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.exists():  # else somebody else was first, with the same files
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _copy_dependencies(target: Path) -> None:
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    done = subprocess.run(
        [maven(), "--quiet", "--batch-mode", "--file", _POM, *goal],
        cwd=target,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
        raise MissingComponentError(
            f"Apache Kafka {VERSION}",
            advice=f"Maven could not fetch it; run once while online. It said: {' '.join(errors[:2])}",
        )
