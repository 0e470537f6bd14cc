"""One-time links: which question a link is for, sealed under a key of the unit.

Invariants: a link says nothing without the key and cannot be guessed or altered (AES-256-GCM, fresh nonce); it names the unit in its associated data,
so one unit's link opens nothing of another; whether it was used stands in the unit's database, not in the link.
"""

import base64
import os
import secrets
from binascii import Error
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.errors import AdapterError
from contracts.names import UnitId

FILE: Final = "partner-links.key"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_ID_BYTES: Final = 16
_LENGTH: Final = 59
"""Characters of a link's last part: 12 + 16 + 16 bytes in base64url without padding."""


class LinkKeyError(AdapterError):
    """The unit's key for links cannot be read or made."""


def new_mail_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_hex(_ID_BYTES)


class Links:
    """Seals and opens links of one unit."""

    def __init__(self, key: bytes, unit: UnitId) -> None:
        self._cipher = AESGCM(key)
        self._bound = f"spojka/answer-link/v1/{unit}".encode()

    def seal(self, mail_id: str) -> str:
        """The last part of a link."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, bytes.fromhex(mail_id), self._bound)
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def open(self, link: str) -> str | None:
        """The e-mail that a link is of; None for anything else."""
        if len(link) != _LENGTH or not link.isascii():
            return None
        try:
            raw = base64.b64decode(link + "=", altchars=b"-_", validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], self._bound).hex()
        except (Error, ValueError, InvalidTag):
            return None


def links_of(folder: Path, unit: UnitId) -> Links:
    """The unit's links; its key is made now where there is none. Raises `LinkKeyError`."""
    path = folder / FILE
    try:
        if not path.exists():
            _write_new(path)
        key = path.read_bytes()
    except OSError as error:
        raise LinkKeyError(
            f"The file {path} cannot be used ({error.strerror})", advice="Check the folder's owner and space."
        ) from error
    if len(key) != _KEY_BYTES:
        raise LinkKeyError(f"The file {path} is damaged", advice="Restore it from the unit's backup.")
    return Links(key, unit)


def _write_new(path: Path) -> None:
    """Write beside, then link: a file under the final name is always whole, and of two processes at once one wins."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)
    except FileExistsError:
        return  # the other's is as good
    finally:
        beside.unlink(missing_ok=True)
