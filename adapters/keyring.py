"""The unit's private keys, each in a file that only its owner may read.

Invariants: one file a key, mode 0600; a message key is PKCS#8 in PEM, so that standard tools read it, an encryption key JSON with its suite, since
there is no PEM form of the hybrid yet, and so is the key of the unit's databases; where the keyring is locked (see `adapters.key_lock`) each of these
lies encrypted, those that were there before it too, and one half-way locked opens; a key file that others may read is refused, never mended, since
nobody knows who has read it; an existing key is never overwritten. Later keys are numbered from 2; which one signs, and to which one others seal,
follows from the trust list; what was sealed to an earlier one still opens with it.
"""

import json
import os
import secrets
import stat
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from adapters import key_lock
from adapters.errors import AdapterError
from contracts.keys import KeyUse, SigningKey
from contracts.names import UnitId
from contracts.sealing.suites import EncryptionKeyError, OpeningKey, SuiteId
from projections.encrypted_file import KEY_BYTES, DatabaseKey


class KeyringError(AdapterError):
    """The key cannot be used as it lies there."""


def path_of(folder: Path, unit: UnitId, number: int = 1) -> Path:
    """Where a unit's message key lies."""
    return folder / (f"{unit}.{KeyUse.MESSAGES}.pem" if number == 1 else f"{unit}.{KeyUse.MESSAGES}.{number}.pem")


def witness_path(folder: Path, unit: UnitId) -> Path:
    """Where the key lies with which a unit cosigns the hub's ledger."""
    return folder / f"{unit}.{KeyUse.WITNESS}.pem"


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


def witness(folder: Path, unit: UnitId) -> SigningKey | None:
    """The unit's witness key; None where none was made yet. Raises `KeyringError` as `load`."""
    path = witness_path(folder, unit)
    return _load(path, unit, KeyUse.WITNESS) if path.exists() else None


def witness_or_new(folder: Path, unit: UnitId) -> SigningKey:
    """The unit's witness key, made now where there is none."""
    return witness(folder, unit) or _write(witness_path(folder, unit), SigningKey.generate(unit, KeyUse.WITNESS))


def _make(folder: Path, unit: UnitId, number: int) -> SigningKey:
    return _write(path_of(folder, unit, number), SigningKey.generate(unit, KeyUse.MESSAGES))


def _write(path: Path, key: SigningKey) -> SigningKey:
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_new(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load(folder: Path, unit: UnitId, number: int = 1) -> SigningKey:
    """One key of the unit. Raises `KeyringError` where it is missing, open to others or no Ed25519 key."""
    return _load(path_of(folder, unit, number), unit, KeyUse.MESSAGES)


def _load(path: Path, unit: UnitId, use: KeyUse) -> SigningKey:
    try:
        private = load_pem_private_key(_read(path), password=None)
    except FileNotFoundError as error:
        raise KeyringError(
            f"No key at {path}", advice="Initialise the adapter, or restore the key from its backup."
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise KeyringError(f"The key at {path} cannot be read", advice="Restore it from its backup.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyringError(f"{path} is not an Ed25519 key", advice="Restore the key from its backup.")
    return SigningKey(private.private_bytes_raw(), unit=unit, use=use)


def encryption_path_of(folder: Path, unit: UnitId, number: int = 1) -> Path:
    """Where a unit's encryption key lies."""
    return folder / f"{unit}.{KeyUse.ENCRYPTION}{'' if number == 1 else f'.{number}'}.json"


def load_encryption(folder: Path, unit: UnitId) -> list[OpeningKey]:
    """The unit's encryption keys, the first one first; none where it was enrolled before there was sealing. Raises `KeyringError`."""
    keys: list[OpeningKey] = []
    while (path := encryption_path_of(folder, unit, len(keys) + 1)).exists():
        keys.append(_opening_key(path, unit))
    return keys


def add_encryption(folder: Path, unit: UnitId, suite: SuiteId = SuiteId.HYBRID) -> OpeningKey:
    """Make the unit's next encryption key, or its first. Raises `KeyringError`."""
    key = OpeningKey.generate(unit, suite)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    document = {"key_id": key.key_id, "suite": key.suite.value, "private_key": b64encode(key.private_bytes).decode()}
    path = encryption_path_of(folder, unit, len(load_encryption(folder, unit)) + 1)
    _write_new(path, json.dumps(document).encode() + b"\n")
    return key


def encryption_or_create(folder: Path, unit: UnitId) -> OpeningKey:
    """The unit's encryption key made last, made now where there is none."""
    keys = load_encryption(folder, unit)
    return keys[-1] if keys else add_encryption(folder, unit)


def _opening_key(path: Path, unit: UnitId) -> OpeningKey:
    try:
        document = json.loads(_read(path))
        suite = SuiteId(document["suite"])
        return OpeningKey(b64decode(document["private_key"], validate=True), unit=unit, suite=suite)
    except (OSError, ValueError, KeyError, TypeError, EncryptionKeyError) as error:
        raise KeyringError(f"The key at {path} cannot be read", advice="Restore it from its backup.") from error


def database_path(folder: Path, unit: UnitId) -> Path:
    """Where the key of a unit's databases lies."""
    return folder / f"{unit}.database.json"


def database_key(folder: Path, unit: UnitId) -> DatabaseKey | None:
    """The key of the unit's databases; None where none was made yet. Raises `KeyringError`."""
    path = database_path(folder, unit)
    try:
        return DatabaseKey(b64decode(json.loads(_read(path))["key"], validate=True))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyringError(f"The key at {path} cannot be read", advice="Restore it from its backup.") from error


def database_key_or_new(folder: Path, unit: UnitId) -> DatabaseKey:
    """The key of the unit's databases, made now where there is none: the same for all who ask at once. Raises `KeyringError`."""
    key = database_key(folder, unit)
    if key is None:
        _make_database_key(database_path(folder, unit))
        key = database_key(folder, unit)
    if key is None:
        raise KeyringError("The key of the databases is gone again", advice="Look who else works in the folder.")
    return key


def _make_database_key(path: Path) -> None:
    """Written beside, then linked: a file under the final name is always whole, and of two processes at once one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    document = json.dumps({"key": b64encode(secrets.token_bytes(KEY_BYTES)).decode()}).encode() + b"\n"
    _write_new(beside, document, name=path.name)
    try:
        os.link(beside, path)
    except FileExistsError:
        return  # the other's is as good
    finally:
        beside.unlink(missing_ok=True)


def lock(folder: Path, unit: UnitId, secret: Path) -> None:
    """Lock all keys of the unit by a secret that lies outside, made now where there is none; locked ones are found by it in its new place.

    Killed half-way, it is done again. Raises `LockError`, `KeyringError`.
    """
    made = key_lock.point(folder, secret)
    for path in sorted(folder.glob(f"{unit}.*")):
        content = _raw(path)
        if not content.startswith(key_lock.LOCKED):
            key_lock.replace(path, made.seal(path.name, content))


def _read(path: Path) -> bytes:
    content = _raw(path)
    if not content.startswith(key_lock.LOCKED):
        return content
    lock = key_lock.lock_of(path.parent)
    if lock is None:
        raise KeyringError(
            f"The key at {path} is locked, and {key_lock.LOCK_FILE} beside it is gone",
            advice="Restore it from the backup.",
        )
    return lock.open(path.name, content)


def _raw(path: Path) -> bytes:
    with path.open("rb") as file:
        _refuse_open(path, os.fstat(file.fileno()).st_mode)
        return file.read()


def load_or_create(folder: Path, unit: UnitId) -> SigningKey:
    """The unit's key, made now where there is none."""
    return load(folder, unit) if path_of(folder, unit).exists() else create(folder, unit)


def _write_new(path: Path, content: bytes, *, name: str | None = None) -> None:
    """A new key file; `name` is the one that it will bear, where it is another."""
    lock = key_lock.lock_of(path.parent)
    try:
        key_lock.write_new(path, content if lock is None else lock.seal(name or path.name, content))
    except FileExistsError as error:
        raise KeyringError(f"There is a key at {path} already", advice="Use it; keys are never overwritten.") from error
    except OSError as error:
        raise KeyringError(f"No key can be written to {path}", advice="Check the folder's owner and space.") from error


def _refuse_open(path: Path, mode: int) -> None:
    if os.name == "posix" and stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyringError(
            f"Others may read {path}",
            advice="If nobody can have read it: chmod 600. Else have it revoked and make a new one.",
        )
