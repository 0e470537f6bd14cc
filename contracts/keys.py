"""Ed25519 keys, each for one use, each with a name that follows from its bytes.

Invariants: a key id is `<unit>/<use>/<first 16 hex of SHA-256(public key)>`, so a key object never carries the name
of another key; a key of small order (one signature then verifies many messages) or in a non-canonical encoding (one
key under two names) cannot become a `VerifyingKey`; no representation shows a private key. The library's objects are
kept: loading one costs as much as a signature.
"""

import hashlib
import re
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.errors import ContractsError
from contracts.names import KeyId, UnitId
from contracts.pae import PayloadType, pae

KEY_LENGTH: Final = 32
SIGNATURE_LENGTH: Final = 64

_FIELD_PRIME: Final = 2**255 - 19
_ORDER_8_Y: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y: Final = frozenset({0, 1, _FIELD_PRIME - 1, _ORDER_8_Y, _FIELD_PRIME - _ORDER_8_Y})
"""The y coordinates of the eight points whose order divides 8; either sign of x."""


class KeyUse(StrEnum):
    """What a key may sign or open: one key per use."""

    MESSAGES = "messages"
    RECEIPTS = "receipts"
    DELIVERIES = "deliveries"
    CHECKPOINTS = "checkpoints"
    WITNESS = "witness"
    ENCRYPTION = "encryption"
    RELEASES = "releases"
    """Signs keys given to recipients: the key service's own."""
    DIRECTORY = "directory"
    """Signs the trust list; its private half stays offline."""


_KEY_ID: Final = re.compile(rf"([a-z0-9-]{{1,40}})/({'|'.join(KeyUse)})/([0-9a-f]{{16}})")


class KeyIdError(ContractsError):
    """A key id is malformed, or is not the name of the key beside it."""


class KeyUseError(ContractsError):
    """A key was asked to sign what its use does not cover."""


class WeakKeyError(ContractsError):
    """A public key of small order, or in a non-canonical encoding; nothing that it signs proves anything."""


class SignatureFault(StrEnum):
    """Why a signature does not count."""

    WRONG_LENGTH = "wrong-length"
    NOT_THIS_KEY = "not-this-key"
    WRONG_USE = "wrong-use"
    BAD_PROOF = "bad-proof"
    FORGED = "forged"


class SignatureError(ContractsError):
    """A signature does not hold for these bytes, this type and this key."""

    def __init__(self, key_id: KeyId, reason: SignatureFault, advice: str) -> None:
        super().__init__(f"signature of {key_id} does not hold ({reason})", advice=advice)
        self.key_id = key_id
        self.reason = reason


class KeyName(NamedTuple):
    """The parts of a key id."""

    unit: UnitId
    use: KeyUse
    fingerprint: str


def key_id(unit: UnitId, use: KeyUse, public_key: bytes) -> KeyId:
    """The name of a public key of any algorithm. Raises `KeyIdError` when the unit's name is malformed."""
    name = KeyId(f"{unit}/{use}/{hashlib.sha256(public_key).hexdigest()[:16]}")
    parse_key_id(name)
    return name


@lru_cache(maxsize=4096)  # the same few keys sign everything
def parse_key_id(text: str) -> KeyName:
    """Take a key id apart. Raises `KeyIdError`."""
    found = _KEY_ID.fullmatch(text)
    if found is None:
        raise KeyIdError("malformed key id", advice="write <unit>/<use>/<first 16 hex of SHA-256(public key)>")
    return KeyName(UnitId(found[1]), KeyUse(found[2]), found[3])


class VerifyingKey:
    """A public Ed25519 key under its key id.

    Raises `KeyIdError` when the id is not that of the bytes and `WeakKeyError` for keys that must not be admitted
    (RFC 8032 §5.1.3 for the encoding; the library accepts both kinds).
    """

    __slots__ = ("_key", "key_id", "public_bytes", "use")

    def __init__(self, public_bytes: bytes, key_id: KeyId) -> None:
        _refuse_weak(public_bytes)
        name = parse_key_id(key_id)
        if name.fingerprint != hashlib.sha256(public_bytes).hexdigest()[:16]:
            raise KeyIdError(f"{key_id} is not the id of this key", advice="take key and id from the same entry")
        _refuse_encryption(name.use)
        self.public_bytes = public_bytes
        self.key_id = key_id
        self.use = name.use
        self._key = Ed25519PublicKey.from_public_bytes(public_bytes)

    def verify(self, payload_type: str, payload: bytes, signature: bytes) -> None:
        """Check an Ed25519 signature over `pae(payload_type, payload)`. Raises `SignatureError`."""
        if len(signature) != SIGNATURE_LENGTH:
            raise SignatureError(self.key_id, SignatureFault.WRONG_LENGTH, "an Ed25519 signature has 64 bytes")
        try:
            self._key.verify(signature, pae(payload_type, payload))
        except InvalidSignature:
            raise SignatureError(
                self.key_id, SignatureFault.FORGED, "the bytes, their type or the key differ from what was signed"
            ) from None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VerifyingKey):
            return NotImplemented
        return self.key_id == other.key_id and self.public_bytes == other.public_bytes

    def __hash__(self) -> int:
        return hash((self.key_id, self.public_bytes))

    def __repr__(self) -> str:
        return f"VerifyingKey({self.key_id})"


class SigningKey:
    """A private Ed25519 key of one unit for one use, from its 32-byte seed (RFC 8032 §5.1.5)."""

    __slots__ = ("_key", "verifying_key")

    def __init__(self, seed: bytes, *, unit: UnitId, use: KeyUse) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public_bytes = self._key.public_key().public_bytes_raw()
        self.verifying_key = VerifyingKey(public_bytes, key_id(unit, use, public_bytes))

    @classmethod
    def generate(cls, unit: UnitId, use: KeyUse) -> Self:
        """A fresh key from the operating system's random source."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw(), unit=unit, use=use)

    @property
    def seed(self) -> bytes:
        """The private key itself, for a key store; never for a log."""
        return self._key.private_bytes_raw()

    @property
    def public_bytes(self) -> bytes:
        """The 32 bytes that the trust list publishes."""
        return self.verifying_key.public_bytes

    @property
    def key_id(self) -> KeyId:
        """The name under which signatures of this key travel."""
        return self.verifying_key.key_id

    @property
    def use(self) -> KeyUse:
        """What this key may sign."""
        return self.verifying_key.use

    def sign(self, payload_type: str, payload: bytes) -> bytes:
        """64 bytes of Ed25519 over `pae(payload_type, payload)`."""
        return self._key.sign(pae(payload_type, payload))

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"


def prove_possession(signing_key: SigningKey, challenge: bytes) -> bytes:
    """Answer an admission challenge; the key id is signed along, so no unit can pass off another's as its own."""
    return signing_key.sign(PayloadType.POSSESSION, _possession(signing_key.key_id, challenge))


def check_possession(verifying_key: VerifyingKey, challenge: bytes, proof: bytes) -> None:
    """Check the answer to a challenge that the checker drew at random for this admission. Raises `SignatureError`."""
    verifying_key.verify(PayloadType.POSSESSION, _possession(verifying_key.key_id, challenge), proof)


def vouch(signing_key: SigningKey, name: KeyId, challenge: bytes) -> bytes:
    """Say that a key which cannot sign is this unit's own; the voucher's id is signed along, so it is no proof of possession of a key that can."""
    return signing_key.sign(PayloadType.POSSESSION, _vouched(signing_key.key_id, name, challenge))


def check_vouched(verifying_key: VerifyingKey, name: KeyId, challenge: bytes, proof: bytes) -> None:
    """Check what a message key says about a key of the same unit. Raises `SignatureError`."""
    verifying_key.verify(PayloadType.POSSESSION, _vouched(verifying_key.key_id, name, challenge), proof)


def _vouched(voucher: KeyId, name: KeyId, challenge: bytes) -> bytes:
    return b"%b\n%b\n%b" % (voucher.encode(), name.encode(), challenge)


def _possession(name: KeyId, challenge: bytes) -> bytes:
    return b"%b\n%b" % (name.encode(), challenge)


def _refuse_weak(public_bytes: bytes) -> None:
    if len(public_bytes) != KEY_LENGTH:
        raise WeakKeyError("not an Ed25519 public key", advice=f"give its {KEY_LENGTH} raw bytes")
    y = int.from_bytes(public_bytes, "little") & (2**255 - 1)
    if y >= _FIELD_PRIME or y in _SMALL_ORDER_Y:
        raise WeakKeyError("public key of small order or non-canonical encoding", advice="generate a new key pair")


def _refuse_encryption(use: KeyUse) -> None:
    if use is KeyUse.ENCRYPTION:
        raise KeyUseError(
            "an encryption key cannot sign", advice="one key per use: make a key for what is to be signed"
        )
