"""Key-encryption keys in a file or in the environment (`hub.application.key_ports.KeyEncryption`).

Invariants: a secret is sealed with AES-256-GCM, bound to what it is for, so that it cannot be moved; each ciphertext stands beside the id of its key,
so that old and new keys serve at the same time; a file is readable by its owner alone, and is read again when it changed, so that a rotation needs no
restart. `SecurityModule` keeps them elsewhere.
"""

import json
import os
import secrets
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.application.key_ports import Wrapped
from hub.application.ports import HubError

_NONCE: Final = 12
_LENGTH: Final = 32
_BITS: Final = 256


class KeyEncryptionError(HubError):
    """A key-encryption key is missing, damaged or open to others, or does not open what it should."""


@dataclass(frozen=True, slots=True)
class KekSet:
    """Key-encryption keys by id, and which one wraps what is new. As text: a JSON object with `current` and `keys` (base64)."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def fresh(cls, name: str) -> "KekSet":
        """One new key."""
        return cls(name, {name: secrets.token_bytes(_LENGTH)})

    @classmethod
    def read(cls, text: str) -> "KekSet":
        """From its text. Raises `KeyEncryptionError`, which tells nothing of the text."""
        try:
            document = json.loads(text)
            keys = {str(name): b64decode(key, validate=True) for name, key in document["keys"].items()}
            current = str(document["current"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KeyEncryptionError("The key-encryption keys do not read.", advice="Restore them.") from None
        if current not in keys or any(len(key) != _LENGTH for key in keys.values()):
            raise KeyEncryptionError("The key-encryption keys are not whole.", advice="Restore them.")
        return cls(current, keys)

    @property
    def text(self) -> str:
        """As it is stored."""
        return json.dumps(
            {"current": self.current, "keys": {name: b64encode(key).decode() for name, key in self.keys.items()}}
        )

    def rotated(self, name: str) -> "KekSet":
        """With a new current key beside the old ones. Raises `KeyEncryptionError`."""
        if name in self.keys:
            raise KeyEncryptionError(f"There is a key {name}.", advice="Name the new key otherwise.")
        return KekSet(name, {**self.keys, name: secrets.token_bytes(_LENGTH)})

    def prepared(self, name: str) -> "KekSet":
        """With a new key beside the others, which wraps nothing yet. Raises `KeyEncryptionError`."""
        return KekSet(self.current, self.rotated(name).keys)

    def using(self, name: str) -> "KekSet":
        """With one of its keys as the current one. Raises `KeyEncryptionError`."""
        if name not in self.keys:
            raise KeyEncryptionError(f"There is no key {name}.", advice="Name one that was prepared.")
        return KekSet(name, self.keys)

    def without(self, name: str) -> "KekSet":
        """Without an old key. Raises `KeyEncryptionError`."""
        if name == self.current or name not in self.keys:
            raise KeyEncryptionError(f"{name} is no old key.", advice="Name one that wraps nothing any more.")
        return KekSet(self.current, {one: key for one, key in self.keys.items() if one != name})


class LocalKeyEncryption:
    """Wraps in this process, with keys that `source` gives; asked again where a key is not known."""

    def __init__(self, source: Callable[[], KekSet]) -> None:
        self._source = source

    @property
    def current(self) -> str:
        """Id of the key that wraps what is new."""
        return self._source().current

    def wrap(self, plain: Sequence[tuple[bytes, bytes]]) -> list[Wrapped]:
        """Secrets under the current key, each with a fresh nonce."""
        if not plain:
            return []
        held = self._source()
        cipher = AESGCM(held.keys[held.current])
        found = []
        for secret, bound in plain:
            nonce = secrets.token_bytes(_NONCE)
            found.append(Wrapped(held.current, nonce + cipher.encrypt(nonce, secret, bound)))
        return found

    def unwrap(self, wrapped: Sequence[tuple[Wrapped, bytes]]) -> list[bytes]:
        """The secrets."""
        held = self._source()
        return [_opened(held, one, bound) for one, bound in wrapped]


def _opened(held: KekSet, one: Wrapped, bound: bytes) -> bytes:
    key = held.keys.get(one.kek_id)
    if key is None:
        raise KeyEncryptionError(f"There is no key-encryption key {one.kek_id}.", advice="Restore it from its backup.")
    try:
        return AESGCM(key).decrypt(one.sealed[:_NONCE], one.sealed[_NONCE:], bound)
    except (InvalidTag, ValueError) as error:
        raise KeyEncryptionError(
            f"{one.kek_id} does not open what is wrapped under it.", advice="Restore the key database and its key."
        ) from error


class KekFile:
    """A file with key-encryption keys, read again when it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._held: KekSet | None = None

    def create(self, held: KekSet) -> None:
        """Make the file. Raises `KeyEncryptionError` where there is one."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise KeyEncryptionError(
                f"There are keys in {self._path}.", advice="Rotate them instead: `spojka-keys rotate-kek`."
            ) from error
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(held.text)

    def names(self) -> list[str]:
        """Of the keys that there are. Raises `KeyEncryptionError`."""
        return list(self().keys)

    def make(self, name: str) -> None:
        """A new key, which wraps from now on. Raises `KeyEncryptionError`."""
        self.replace(self().rotated(name))

    def prepare(self, name: str) -> None:
        """A new key, which wraps nothing yet: the file can be given to whoever else reads it. Raises `KeyEncryptionError`."""
        self.replace(self().prepared(name))

    def use(self, name: str) -> None:
        """A key that was prepared wraps from now on. Raises `KeyEncryptionError`."""
        self.replace(self().using(name))

    def destroy(self, name: str) -> None:
        """An old key is no more. Raises `KeyEncryptionError`."""
        self.replace(self().without(name))

    def replace(self, held: KekSet) -> None:
        """Put other keys in place, whole or not at all; once it returns, a power cut does not bring the ones before back."""
        beside = self._path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(held.text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        if os.name == "posix":
            folder = os.open(self._path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def __call__(self) -> KekSet:
        """The keys. Raises `KeyEncryptionError`."""
        try:
            found = self._path.stat()
            if self._held is None or self._seen != (found.st_mtime_ns, found.st_ino):
                if stat.S_IMODE(found.st_mode) & 0o077:
                    raise KeyEncryptionError(
                        f"{self._path} can be read by others.", advice=f"Run `chmod 600 {self._path}`."
                    )
                self._held = KekSet.read(self._path.read_text(encoding="ascii"))
                self._seen = (found.st_mtime_ns, found.st_ino)
        except OSError as error:
            raise KeyEncryptionError(
                f"No key-encryption keys in {self._path}.", advice="Run `spojka-keys init`, or restore the backup."
            ) from error
        return self._held
