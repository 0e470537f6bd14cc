"""Java 17 or newer and Maven: what real Kafka runs on, and what fetches it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from deploy.servers import debian
from deploy.servers.errors import MissingComponentError

OLDEST = 17
_COMPONENT = f"Java {OLDEST} or newer"
_PACKAGE = "default-jre-headless"  # Debian 12 brings Java 17 by that name, Debian 13 Java 21
_VERSION = re.compile(r'version "(\d+)')


def java() -> Path:
    """A Java that runs Kafka, from JAVA_HOME or PATH, installed on Debian as root; raises MissingComponentError."""
    found = _find_java()
    if found is None:
        debian.install(_COMPONENT, package=_PACKAGE)
        found = _find_java()
    if found is None:
        raise MissingComponentError(_COMPONENT, advice=f"{_PACKAGE} brings an older one: name another by JAVA_HOME.")
    return found


def maven() -> Path:
    """Maven's command, installed on Debian as root; raises MissingComponentError."""
    found = shutil.which("mvn")
    if found is None:
        debian.install("Maven (which fetches Kafka once)", package="maven")
        found = shutil.which("mvn")
    if found is None:
        raise MissingComponentError("Maven", advice="It was installed, but there is no mvn on PATH.")
    return Path(found)


def _find_java() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin" / "java"] if home else []
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path))
    return next((path for path in candidates if _major_version(path) >= OLDEST), None)


def _major_version(path: Path) -> int:
    try:
        said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    except OSError:
        return 0
    match = _VERSION.search(said)
    return int(match[1]) if match else 0
