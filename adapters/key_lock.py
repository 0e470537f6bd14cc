"""The lock of a unit's keyring: what its key files are encrypted under lies outside of the adapter's folder.

Invariants: whoever carries off the folder, or a backup, carries off no key; the secret is 32 random bytes in a text file that only its owner may
read, short enough to be printed or typed again; it is never made anew where keys are locked already, and one that does not fit is told by its id
before anything is opened. `lock.json` beside the keys says where the secret lies and which one it is. AES-256-GCM, bound to the file's name.
"""

import json
import os
import secrets
import stat
from base64 import b32decode, b32encode, b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.errors import AdapterError

LOCK_FILE: Final = "lock.json"
LOCKED: Final = b'{"locked":'
"""How a key file begins that is locked."""
_SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"spojka keyring"
_GROUP: Final = 4


class LockError(AdapterError):
    """The keyring's lock does not open, or cannot be made."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Seals key files and opens them."""

    secret: bytes = field(repr=False)

    @property
    def lock_id(self) -> str:
        """Which secret it is, without telling it."""
        return sha256(b"spojka keyring lock" + self.secret).hexdigest()[:16]

    def seal(self, name: str, content: bytes) -> bytes:
        """A key file of that name, locked."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = b64encode(nonce + self._cipher().encrypt(nonce, content, name.encode())).decode()
        return LOCKED + json.dumps(self.lock_id).encode() + b', "content": "' + sealed.encode() + b'"}\n'

    def open(self, name: str, document: bytes) -> bytes:
        """What `seal` was given. Raises `LockError`."""
        try:
            raw = b64decode(json.loads(document)["content"], validate=True)
            return self._cipher().decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode())
        except (ValueError, KeyError, TypeError, InvalidTag) as error:
            raise LockError(
                f"The key file {name} does not open with the unlocking file: it is damaged, or another's",
                advice="Restore the keys from the backup.",
            ) from error

    def _cipher(self) -> AESGCM:
        return AESGCM(HKDF(SHA256(), _SECRET_BYTES, None, _PURPOSE).derive(self.secret))

    def written(self) -> bytes:
        """The secret as it stands in its file."""
        text = b32encode(self.secret).decode().rstrip("=")
        groups = "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))
        return f"{groups}\n".encode("ascii")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The lock of a secret's file. Raises `LockError`."""
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(1000).decode("ascii").strip().replace("-", "").replace(" ", "").upper()
        except (OSError, ValueError) as error:
            raise LockError(
                f"The file that unlocks the keys does not read: {path}",
                advice="Put its copy there, or say where it lies: spojka-adapter lock --secret FILE. Without it keys and databases stay closed.",
            ) from error
        if os.name == "posix" and stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise LockError(
                f"Others may read {path}, which unlocks the keys", advice="chmod 600, if nobody has read it."
            )
        try:
            secret = b32decode(text + "=" * (-len(text) % 8))
        except ValueError:
            secret = b""
        if len(secret) != _SECRET_BYTES:
            raise LockError(
                f"{path} is no unlocking file", advice="Type it as it was printed: thirteen groups of four."
            )
        return cls(secret)

    @classmethod
    def read_or_make(cls, path: Path) -> Self:
        """The lock of a secret's file, made now where there is none. Raises `LockError`."""
        if not path.exists():
            made = cls(secrets.token_bytes(_SECRET_BYTES))
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_new(path, made.written())
            except OSError as error:
                raise LockError(
                    f"The file that unlocks the keys cannot be written: {path} ({error.strerror})",
                    advice="Name another place outside of the adapter's folder: --secret FILE.",
                ) from error
        return cls.read(path)


def place_of(home: Path, secret: Path | None) -> Path:
    """Where the secret of a home's keys is to lie: where it is said, else beside the home. Raises `LockError` for a place within."""
    place = home.resolve().with_name(f"{home.resolve().name}.unlock") if secret is None else secret.absolute()
    if place.resolve().is_relative_to(home.resolve()):
        raise LockError(
            f"{place} lies in the adapter's own folder, so whoever takes the folder has it too",
            advice="Name a file elsewhere.",
        )
    return place


def secret_place(folder: Path) -> Path | None:
    """Where the secret of a locked keyring lies; None where the keys are not locked. Raises `LockError`."""
    pointer = _pointer(folder)
    return None if pointer is None else Path(pointer["secret"])


def lock_of(folder: Path) -> Lock | None:
    """The lock of the keys in a folder; None where they are not locked. Raises `LockError`, for another secret than the keys' too."""
    pointer = _pointer(folder)
    return None if pointer is None else _fitting(Path(pointer["secret"]), pointer["lock"])


def point(folder: Path, secret: Path) -> Lock:
    """Have the keys in a folder locked by this secret, or found by it in another place. Raises `LockError` where they are locked by another one."""
    pointer = _pointer(folder)
    lock = Lock.read_or_make(secret) if pointer is None else _fitting(secret, pointer["lock"])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    document = json.dumps({"lock": lock.lock_id, "secret": str(secret)}).encode() + b"\n"
    replace(folder / LOCK_FILE, document)
    return lock


def replace(path: Path, content: bytes) -> None:
    """Put content in place of a file's, whole or not at all, for its owner's eyes."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    write_new(beside, content)
    beside.replace(path)


def write_new(path: Path, content: bytes) -> None:
    """A new file for its owner's eyes, on the disk when this returns."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _fitting(secret: Path, lock_id: str) -> Lock:
    lock = Lock.read(secret)
    if lock.lock_id != lock_id:
        raise LockError(
            f"{secret} is not the file that unlocks these keys",
            advice="Find the one made for them; no other opens them.",
        )
    return lock


def _pointer(folder: Path) -> dict[str, str] | None:
    path = folder / LOCK_FILE
    try:
        document = json.loads(path.read_bytes())
        return {"lock": str(document["lock"]), "secret": str(document["secret"])}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LockError(
            f"{path} does not read, so nobody knows what unlocks the keys", advice="Restore it from the backup."
        ) from error
