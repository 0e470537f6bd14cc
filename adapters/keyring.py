"""The unit's private keys, each in a file that only its owner may read.

Invariants: one file a key, PKCS#8 in PEM, mode 0600, so that standard tools read it; a key file that others may read is refused, never mended, since
nobody knows who has read it; an existing key is never overwritten. Later keys are numbered from 2; which one signs follows from the trust list.
"""

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from adapters.errors import AdapterError
from contracts.keys import KeyUse, SigningKey
from contracts.names import UnitId


class KeyringError(AdapterError):
    """The key cannot be used as it lies there."""


def path_of(folder: Path, unit: UnitId, number: int = 1) -> Path:
    """Where a unit's message key lies."""
    return folder / (f"{unit}.{KeyUse.MESSAGES}.pem" if number == 1 else f"{unit}.{KeyUse.MESSAGES}.{number}.pem")


def create(folder: Path, unit: UnitId) -> SigningKey:
    """Make the unit's first key. Raises `KeyringError` where it has one already."""
    return _make(folder, unit, 1)


def add(folder: Path, unit: UnitId) -> SigningKey:
    """Make the unit's next key, beside those that it has. Raises `KeyringError`."""
    return _make(folder, unit, len(load_all(folder, unit)) + 1)


def load_all(folder: Path, unit: UnitId) -> list[SigningKey]:
    """The unit's keys, the first one first. Raises `KeyringError` as `load`."""
    keys = [load(folder, unit)]
    while path_of(folder, unit, len(keys) + 1).exists():
        keys.append(load(folder, unit, len(keys) + 1))
    return keys


def _make(folder: Path, unit: UnitId, number: int) -> SigningKey:
    key = SigningKey.generate(unit, KeyUse.MESSAGES)
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_new(path_of(folder, unit, number), private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load(folder: Path, unit: UnitId, number: int = 1) -> SigningKey:
    """One key of the unit. Raises `KeyringError` where it is missing, open to others or no Ed25519 key."""
    path = path_of(folder, unit, number)
    try:
        with path.open("rb") as file:
            _refuse_open(path, os.fstat(file.fileno()).st_mode)
            pem = file.read()
        private = load_pem_private_key(pem, password=None)
    except FileNotFoundError as error:
        raise KeyringError(
            f"No key at {path}", advice="Initialise the adapter, or restore the key from its backup."
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise KeyringError(f"The key at {path} cannot be read", advice="Restore it from its backup.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyringError(f"{path} is not an Ed25519 key", advice="Restore the key from its backup.")
    return SigningKey(private.private_bytes_raw(), unit=unit, use=KeyUse.MESSAGES)


def load_or_create(folder: Path, unit: UnitId) -> SigningKey:
    """The unit's key, made now where there is none."""
    return load(folder, unit) if path_of(folder, unit).exists() else create(folder, unit)


def _write_new(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeyringError(f"There is a key at {path} already", advice="Use it; keys are never overwritten.") from error
    except OSError as error:
        raise KeyringError(f"No key can be written to {path}", advice="Check the folder's owner and space.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _refuse_open(path: Path, mode: int) -> None:
    if os.name == "posix" and stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyringError(
            f"Others may read {path}",
            advice="If nobody can have read it: chmod 600. Else have it revoked and make a new one.",
        )
