"""Files that hold a secret: written for their owner's eyes, and refused where others can read them.

Invariants: a file never exists with wider permissions, not for a moment, and is there whole or not at all; what is in it shows in no message.
"""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from hub.application.ports import HubError

_OPEN_TO_OTHERS: Final = 0o077


class SecretFileError(HubError):
    """A file with a secret is missing, or others can read it."""


def write_secret(path: Path, content: bytes) -> None:
    """Put a secret in place of what was there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read_secret(path: Path) -> str:
    """What a secret's file holds, without the line's end. Raises `SecretFileError`."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SecretFileError(f"No usable secret in {path}.", advice="Put the file there, mode 600.") from error
    if mode & _OPEN_TO_OTHERS:
        raise SecretFileError(f"{path} can be read by others ({mode:o}).", advice=f"Run `chmod 600 {path}`.")
    return content
