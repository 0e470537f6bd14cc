"""Whether a file is still the one that an import began with.

Invariants: a file that was written to or replaced since is another one, whatever its name; that is told once, by whichever reading ends after it.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

_State = tuple[int, int, int]


@dataclass(slots=True)
class FileWatch:
    """Watches one file over all its readings."""

    path: Path
    _begun: bool = field(default=False, init=False)
    _state: _State | None = field(default=None, init=False)
    _told: bool = field(default=False, init=False)

    def begin(self) -> bool:
        """A reading begins; True for the first."""
        first, self._begun = not self._begun, True
        return first

    def opened(self, file: IO[Any]) -> None:
        """The file as it was opened. Raises `OSError`."""
        if self._state is None:
            self._state = _state(os.fstat(file.fileno()))

    def changed(self) -> bool:
        """Whether the name stands for another file by now; True once."""
        if self._told or self._state is None:
            return False
        try:
            self._told = _state(self.path.stat()) != self._state
        except OSError:
            self._told = True
        return self._told


def _state(found: os.stat_result) -> _State:
    return (found.st_ino, found.st_size, found.st_mtime_ns)
