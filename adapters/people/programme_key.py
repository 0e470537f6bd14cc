"""The programme key, with which entitled units derive subjects from national ids; in a file that only its owner may read.

Invariants: the key stands in no setting, only the file's name does; a file that others may read is refused, never mended, since nobody knows who
has read it; the key shows in no message. One line of hexadecimal digits, as `openssl rand -hex 32` writes it, the same at all entitled units.
"""

import os
import stat
from pathlib import Path

from adapters.errors import AdapterError
from contracts.derived_subject import MIN_KEY_BYTES


class ProgrammeKeyError(AdapterError):
    """The programme key cannot be used as it lies there."""


def load(path: Path) -> bytes:
    """The key. Raises `ProgrammeKeyError` where it is missing, open to others, too short or not in hexadecimal."""
    try:
        with path.open("rb") as file:
            _refuse_open(path, os.fstat(file.fileno()).st_mode)
            written = file.read()
    except OSError as error:
        raise ProgrammeKeyError(
            f"The programme key does not read: {path}", advice="Put the file there that the operator handed over."
        ) from error
    try:
        key = bytes.fromhex(written.decode("ascii").strip())
    except ValueError:
        raise ProgrammeKeyError(
            f"{path} holds no programme key", advice="Ask the operator for the file again."
        ) from None
    if len(key) < MIN_KEY_BYTES:
        raise ProgrammeKeyError(
            f"The programme key in {path} is too short",
            advice="It has at least 64 hexadecimal digits: ask the operator.",
        )
    return key


def _refuse_open(path: Path, mode: int) -> None:
    if os.name == "posix" and stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ProgrammeKeyError(
            f"Others may read {path}",
            advice="If nobody can have read it: chmod 600. Else tell the operator: the programme needs a new key.",
        )
