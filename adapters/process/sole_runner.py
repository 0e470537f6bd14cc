"""One process works on an adapter's home at a time: two publishers would send one outbox, and a restore would pull the files from under a run.

Invariant: the lock is the operating system's and goes with its process, also after a kill. Where the system has no `flock` (Windows), the service
manager is what starts one only.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from adapters.errors import AdapterError

LOCK_FILE: Final = "running.lock"


class AlreadyRunningError(AdapterError):
    """Another process works in this home."""


@contextmanager
def sole_runner(home: Path) -> Iterator[None]:
    """Hold the home. Raises `AlreadyRunningError`."""
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, home)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, home: Path) -> None:
    if os.name != "posix":
        return
    import fcntl  # noqa: PLC0415 - not there on every system

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise AlreadyRunningError(
            f"The adapter in {home} is running", advice="Stop it first: systemctl stop spojka-adapter, or Ctrl-C."
        ) from error
