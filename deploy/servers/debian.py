"""Programs that only the operating system's packages bring: installed on Debian as root, asked for elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from deploy.servers.errors import MissingComponentError


def install(component: str, *, package: str) -> None:
    """Install a Debian package; raises MissingComponentError where that is impossible, with the way to do it by hand."""
    advice = f"Get it: apt-get install {package} (Debian, as root), or your system's own package; then run this again."
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise MissingComponentError(component, advice=advice)
    print(f"Installing {package} …", file=sys.stderr)
    for action in (["update"], ["install", "--no-install-recommends", package]):
        done = subprocess.run(
            ["apt-get", "--quiet", "--yes", *action],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            last = done.stderr.strip().rsplit("\n", 1)[-1]
            raise MissingComponentError(component, advice=f"apt-get {action[0]} failed: {last}. {advice}")
