"""HPKE suites (RFC 9180, base mode, single shot) and the keys that they seal to, by their ids.

Invariants: the trust list fixes each key's suite, so nobody can be talked into a weaker one; there is no associated data, so the context is all
in `info`; the hybrid's public form is ek_PQ ‖ ek_X25519 and its private form seed ‖ X25519 key. It is a draft yet: its id has a version.
"""

from enum import StrEnum
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from contracts.errors import ContractsError
from contracts.keys import KeyUse, key_id
from contracts.names import KeyId, UnitId


class SuiteId(StrEnum):
    """The suites that a trust list may name."""

    HYBRID = "mlkem768-x25519.hkdf-sha256.aes256gcm.v1"
    """ML-KEM-768 with X25519: safe while either holds. The default."""
    X25519 = "x25519.hkdf-sha256.aes256gcm.v1"
    """RFC 9180 alone, for a party that has no ML-KEM."""


PUBLIC_LENGTHS: Final = {SuiteId.HYBRID: 1184 + 32, SuiteId.X25519: 32}
"""Bytes of a public key."""
PRIVATE_LENGTHS: Final = {SuiteId.HYBRID: 64 + 32, SuiteId.X25519: 32}
"""Bytes of a private key."""

_ML_KEM_PUBLIC: Final = 1184
_ML_KEM_SEED: Final = 64
_SUITES: Final = {
    SuiteId.HYBRID: hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM),
    SuiteId.X25519: hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM),
}


class EncryptionKeyError(ContractsError):
    """An encryption key is malformed, or does not open what was sealed."""


class SealingKey:
    """A public encryption key under its key id. Raises `EncryptionKeyError`."""

    __slots__ = ("_key", "key_id", "public_bytes", "suite")

    def __init__(self, public_bytes: bytes, *, unit: UnitId, suite: SuiteId) -> None:
        if len(public_bytes) != PUBLIC_LENGTHS[suite]:
            raise EncryptionKeyError(f"not a public key of {suite}", advice=f"Give {PUBLIC_LENGTHS[suite]} raw bytes.")
        self.public_bytes = public_bytes
        self.suite = suite
        self.key_id = key_id(unit, KeyUse.ENCRYPTION, public_bytes)
        try:
            self._key = _public(public_bytes, suite)
        except ValueError as error:
            raise EncryptionKeyError(f"not a public key of {suite}", advice="Make a new key pair.") from error

    def seal(self, plaintext: bytes, info: bytes) -> bytes:
        """Encapsulated key ‖ ciphertext, bound to `info`."""
        return _SUITES[self.suite].encrypt(plaintext, self._key, info=info)

    def __repr__(self) -> str:
        return f"SealingKey({self.key_id})"


class OpeningKey:
    """A private encryption key of one unit, or of the hub's key service. Raises `EncryptionKeyError`."""

    __slots__ = ("_key", "private_bytes", "sealing_key")

    def __init__(self, private_bytes: bytes, *, unit: UnitId, suite: SuiteId) -> None:
        if len(private_bytes) != PRIVATE_LENGTHS[suite]:
            raise EncryptionKeyError(f"not a private key of {suite}", advice="Restore the key from its backup.")
        self.private_bytes = private_bytes
        self._key, public = _private(private_bytes, suite)
        self.sealing_key = SealingKey(public, unit=unit, suite=suite)

    @classmethod
    def generate(cls, unit: UnitId, suite: SuiteId = SuiteId.HYBRID) -> Self:
        """A fresh key from the operating system's random source."""
        elliptic = X25519PrivateKey.generate().private_bytes_raw()
        seed = MLKEM768PrivateKey.generate().private_bytes_raw() if suite is SuiteId.HYBRID else b""
        return cls(seed + elliptic, unit=unit, suite=suite)

    @property
    def key_id(self) -> KeyId:
        """The name under which others seal to this key."""
        return self.sealing_key.key_id

    @property
    def suite(self) -> SuiteId:
        """Which suite it belongs to."""
        return self.sealing_key.suite

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """What was sealed to this key for this context. Raises `EncryptionKeyError`."""
        try:
            return _SUITES[self.suite].decrypt(sealed, self._key, info=info)
        except (InvalidTag, ValueError) as error:
            raise EncryptionKeyError("it was not sealed to this key for this purpose", advice="Ask again.") from error

    def __repr__(self) -> str:
        return f"OpeningKey({self.key_id})"


def _public(raw: bytes, suite: SuiteId) -> hpke.MLKEM768X25519PublicKey | X25519PublicKey:
    if suite is SuiteId.X25519:
        return X25519PublicKey.from_public_bytes(raw)
    quantum = MLKEM768PublicKey.from_public_bytes(raw[:_ML_KEM_PUBLIC])
    return hpke.MLKEM768X25519PublicKey(quantum, X25519PublicKey.from_public_bytes(raw[_ML_KEM_PUBLIC:]))


def _private(raw: bytes, suite: SuiteId) -> tuple[hpke.MLKEM768X25519PrivateKey | X25519PrivateKey, bytes]:
    if suite is SuiteId.X25519:
        key = X25519PrivateKey.from_private_bytes(raw)
        return key, key.public_key().public_bytes_raw()
    quantum = MLKEM768PrivateKey.from_seed_bytes(raw[:_ML_KEM_SEED])
    elliptic = X25519PrivateKey.from_private_bytes(raw[_ML_KEM_SEED:])
    public = quantum.public_key().public_bytes_raw() + elliptic.public_key().public_bytes_raw()
    return hpke.MLKEM768X25519PrivateKey(quantum, elliptic), public
