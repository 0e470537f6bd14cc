"""The unit's secret for ids that several rows share (a referral's), so that they stay the same over imports and say nothing about the rows.

Invariants: 32 bytes of the operating system's random source in a file that only its owner may read; never overwritten: other bytes would give every
referral already imported another id. It lies in the unit's folder and belongs into the same backup as the database.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from adapters.errors import AdapterError

FILE: Final = "import-references.key"
_BYTES: Final = 32


class ReferenceSecretError(AdapterError):
    """The secret cannot be read or made."""


def random_secret() -> bytes:
    """A secret for this run alone, as a dry run needs."""
    return secrets.token_bytes(_BYTES)


def load_or_create(folder: Path) -> bytes:
    """The unit's secret, made now where there is none. Raises `ReferenceSecretError`."""
    path = folder / FILE
    try:
        if not path.exists():
            _write_new(path)
        secret = path.read_bytes()
    except OSError as error:
        raise ReferenceSecretError(
            f"The file {path} cannot be used ({error.strerror})", advice="Check the folder's owner and space."
        ) from error
    if len(secret) != _BYTES:
        raise ReferenceSecretError(f"The file {path} is damaged", advice="Restore it from the unit's backup.")
    return secret


def _write_new(path: Path) -> None:
    """Write beside, then link: a file under the final name is always whole, and of two imports at once one wins."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(random_secret())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)
    except FileExistsError:
        return  # the other import's is as good
    finally:
        beside.unlink(missing_ok=True)
