"""Key-encryption keys that never leave a security module (`hub.application.key_ports.KeyEncryption` over PKCS#11).

Invariants: the keys are AES-256 keys of the token, labelled `kek-1`, `kek-2`, …, sensitive and not extractable; the one with the highest number wraps
what is new, so that a rotation needs no restart; what is wrapped has the form that keys in a file give it (12 bytes nonce, ciphertext, tag), bound to
what it is for. The token is the key service's alone. The setting is a PKCS#11 URI (RFC 7512); it names the file of the PIN and never the PIN.
"""

import re
import secrets
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, Protocol, TypeVar, cast
from urllib.parse import parse_qs, unquote

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass, PKCS11Error

from hub.application.key_ports import Wrapped
from hub.infrastructure.key_encryption import KeyEncryptionError

_NONCE: Final = 12
_TAG: Final = 16
_BITS: Final = 256
_LABEL: Final = re.compile(r"kek-([1-9][0-9]{0,8})")
_EXAMPLE: Final = "pkcs11:token=spojka-keys?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/spojka/pin"
_Result = TypeVar("_Result")


class _Cipher(Protocol):
    """What the library mixes into a key that may do it."""

    def encrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: GCMParams) -> bytes:
        """Ciphertext and tag."""

    def decrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: GCMParams) -> bytes:
        """The plaintext."""

    def destroy(self) -> None:
        """Take it off the token."""


@dataclass(frozen=True, slots=True)
class ModulePlace:
    """Which token of which module, and where its PIN is."""

    module: Path
    token: str
    pin: Path

    @classmethod
    def read(cls, uri: str) -> "ModulePlace":
        """From `pkcs11:token=…?module-path=…&pin-source=file:…`. Raises `KeyEncryptionError`."""
        path, _, query = uri.removeprefix("pkcs11:").partition("?")
        attributes = dict(part.partition("=")[::2] for part in path.split(";"))
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        token, module = unquote(attributes.get("token", "")), asked.get("module-path", "")
        pin = asked.get("pin-source", "").removeprefix("file:")
        if not (token and module and pin) or set(attributes) != {"token"}:
            raise KeyEncryptionError(
                "The security module's address does not read.", advice=f"Set SPOJKA_KEYS_KEK like {_EXAMPLE}"
            )
        return cls(Path(module), token, Path(pin))


class SecurityModule:
    """Wraps inside the module; one call at a time, since a session of PKCS#11 serves one. Signs in anew where the module lost the session."""

    def __init__(self, place: ModulePlace) -> None:
        self._place = place
        self._lock = Lock()
        self._session: pkcs11.Session | None = None

    @property
    def current(self) -> str:
        """Label of the key that wraps what is new. Raises `KeyEncryptionError`."""
        return self._asked(_newest)

    def wrap(self, plain: Sequence[tuple[bytes, bytes]]) -> list[Wrapped]:
        """Secrets under the newest key. Raises `KeyEncryptionError`."""
        return self._asked(lambda session: _wrapped(session, plain)) if plain else []

    def unwrap(self, wrapped: Sequence[tuple[Wrapped, bytes]]) -> list[bytes]:
        """The secrets. Raises `KeyEncryptionError`."""
        return self._asked(lambda session: _unwrapped(session, wrapped)) if wrapped else []

    def names(self) -> list[str]:
        """Of the keys that there are, the oldest first. Raises `KeyEncryptionError`."""
        return self._asked(_names)

    def make(self, name: str) -> None:
        """A new key, which wraps from now on. Raises `KeyEncryptionError`."""
        self._asked(lambda session: _make(session, name))

    def destroy(self, name: str) -> None:
        """An old key is no more. Raises `KeyEncryptionError`."""
        self._asked(lambda session: _destroy(session, name))

    def _asked(self, ask: Callable[[pkcs11.Session], _Result]) -> _Result:
        with self._lock:
            try:
                return self._once_more(ask)
            except (PKCS11Error, RuntimeError, OSError) as error:
                if isinstance(error, KeyEncryptionError):
                    raise
                raise KeyEncryptionError(
                    f"The security module at {self._place.module} does not serve: {type(error).__name__} {error}.",
                    advice=f"Is it plugged in and running, its token {self._place.token} set up, and the PIN in {self._place.pin} right?",
                ) from error

    def _once_more(self, ask: Callable[[pkcs11.Session], _Result]) -> _Result:
        if self._session is not None:
            try:
                return ask(self._session)
            except (pkcs11.SessionHandleInvalid, pkcs11.SessionClosed, pkcs11.UserNotLoggedIn, pkcs11.DeviceRemoved):
                self._session = None
        self._session = _signed_in(self._place)
        return ask(self._session)


def _signed_in(place: ModulePlace) -> pkcs11.Session:
    if stat.S_IMODE(place.pin.stat().st_mode) & 0o077:
        raise KeyEncryptionError(f"{place.pin} can be read by others.", advice=f"Run `chmod 600 {place.pin}`.")
    token = pkcs11.lib(str(place.module)).get_token(token_label=place.token)
    try:
        return token.open(rw=True, user_pin=place.pin.read_text(encoding="utf-8").strip())
    except pkcs11.UserAlreadyLoggedIn:  # a process signs in once, whichever of its sessions did
        return token.open(rw=True)


def _names(session: pkcs11.Session) -> list[str]:
    found = session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES})
    labels = {str(one.label) for one in found if isinstance(one, pkcs11.SecretKey)}
    return sorted((label for label in labels if _LABEL.fullmatch(label)), key=_number)


def _number(label: str) -> int:
    found = _LABEL.fullmatch(label)
    return int(found[1]) if found else 0


def _newest(session: pkcs11.Session) -> str:
    names = _names(session)
    if not names:
        raise KeyEncryptionError("The token holds no key-encryption key.", advice="Run `spojka-keys init`.")
    return names[-1]


def _key(session: pkcs11.Session, name: str) -> _Cipher:
    try:
        found = session.get_key(object_class=ObjectClass.SECRET_KEY, label=name)
    except pkcs11.NoSuchKey as error:
        raise KeyEncryptionError(f"The token holds no key {name}.", advice="Restore it from its backup.") from error
    return cast("_Cipher", found)


def _wrapped(session: pkcs11.Session, plain: Sequence[tuple[bytes, bytes]]) -> list[Wrapped]:
    name = _newest(session)
    key, found = _key(session, name), []
    for secret, bound in plain:
        nonce = secrets.token_bytes(_NONCE)
        sealed = key.encrypt(secret, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, bound, _TAG * 8))
        found.append(Wrapped(name, nonce + sealed))
    return found


def _unwrapped(session: pkcs11.Session, wrapped: Sequence[tuple[Wrapped, bytes]]) -> list[bytes]:
    keys = {name: _key(session, name) for name in {one.kek_id for one, _ in wrapped}}
    return [_opened(keys[one.kek_id], one, bound) for one, bound in wrapped]


def _opened(key: _Cipher, one: Wrapped, bound: bytes) -> bytes:
    how = GCMParams(one.sealed[:_NONCE], bound, _TAG * 8)
    try:
        return key.decrypt(one.sealed[_NONCE:], mechanism=Mechanism.AES_GCM, mechanism_param=how)
    except (pkcs11.EncryptedDataInvalid, pkcs11.EncryptedDataLenRange, pkcs11.GeneralError) as error:
        raise KeyEncryptionError(
            f"{one.kek_id} does not open what is wrapped under it.", advice="Restore the key database and its key."
        ) from error


def _make(session: pkcs11.Session, name: str) -> None:
    names = _names(session)
    if _number(name) <= (_number(names[-1]) if names else 0):
        advice = f"In a security module keys are numbered: name it kek-{_number(names[-1]) + 1 if names else 1}."
        raise KeyEncryptionError(f"{name} is no name for the next key.", advice=advice)
    session.generate_key(
        KeyType.AES,
        _BITS,
        label=name,
        store=True,
        template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.MODIFIABLE: False},
    )


def _destroy(session: pkcs11.Session, name: str) -> None:
    if name not in _names(session)[:-1]:
        raise KeyEncryptionError(f"{name} is no old key.", advice="Name one that wraps nothing any more.")
    _key(session, name).destroy()
