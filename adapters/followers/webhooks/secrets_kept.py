"""The secrets by which receivers know that news come from this unit.

Invariants: one file a webhook, which only its owner may read; one that others may read is refused, never mended; a secret is in no table and no
log.
"""

import base64
import os
import stat
from binascii import Error as Base64Error
from pathlib import Path
from secrets import token_bytes
from typing import Final

from adapters.errors import AdapterError

FOLDER: Final = "webhooks"
PREFIX: Final = "whsec_"
_BYTES: Final = 32
_FEWEST: Final = 24
_MOST: Final = 64


class WebhookError(AdapterError):
    """A webhook cannot be set up or used like that."""


def fresh() -> str:
    """A new secret, in the form of Standard Webhooks."""
    return PREFIX + base64.b64encode(token_bytes(_BYTES)).decode()


def check(secret: str) -> None:
    """Raises `WebhookError` for what is no secret of 24 to 64 bytes."""
    try:
        length = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True)) if secret.startswith(PREFIX) else 0
    except Base64Error:
        length = 0
    if not _FEWEST <= length <= _MOST:
        raise WebhookError(
            "This is no secret of Standard Webhooks",
            advice="Give `whsec_` and 24 to 64 random bytes in base64, or none.",
        )


def keep(folder: Path, name: str, secret: str) -> None:
    """Write it, in place of one that was there."""
    folder = folder / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    fresh_file = folder / f"{name}.new"
    fresh_file.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh_file.replace(_path(folder, name))


def read(folder: Path, name: str) -> str:
    """The secret of a webhook. Raises `WebhookError` where it is missing or open to others."""
    path = _path(folder / FOLDER, name)
    try:
        with path.open(encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            secret = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WebhookError(
            f"The secret of webhook {name} does not read", advice="Remove the webhook and add it anew."
        ) from error
    if os.name == "posix" and stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise WebhookError(
            f"Others may read the secret of webhook {name}",
            advice="Remove the webhook and add it anew, with a fresh secret.",
        )
    return secret


def drop(folder: Path, name: str) -> None:
    """It is used no more."""
    _path(folder / FOLDER, name).unlink(missing_ok=True)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.secret"
