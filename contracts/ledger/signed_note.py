"""Signed notes (C2SP signed-note): text and signatures that a person can read.

Invariants: a text ends in a newline and holds no other control character; a signature of an unknown key is ignored, one of a known key that does not
hold rejects the whole note; a note without a signature that holds is rejected.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.errors import ContractsError

MOST_SIGNATURES: Final = 100
MOST_BYTES: Final = 1_000_000
_KEY_HASH: Final = 4
_PUBLIC_KEY: Final = 32
_STAMP: Final = 8
_SIGNATURE: Final = 64
_DASH: Final = "— "


class NoteError(ContractsError):
    """A note is malformed, or not signed by whom it must be."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem, advice="do not use what it says; keep it and ask who made it")


class SignatureType(IntEnum):
    """Signature type identifiers of C2SP signed-note."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the name of a key, the first four bytes of its id's hash, and what it signed with."""

    name: str
    key_hash: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """As it stands in a note."""
        return f"{_DASH}{self.name} {b64encode(self.key_hash + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key under a name: who may sign a note, and how."""

    name: str
    type: SignatureType
    public_key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != _PUBLIC_KEY:
            raise NoteError(f"the key of {self.name} has {len(self.public_key)} bytes, not {_PUBLIC_KEY}")

    @property
    def key_hash(self) -> bytes:
        """The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key)."""
        return key_hash(self.name, self.type, self.public_key)

    @property
    def text(self) -> str:
        """As a vkey: `name+hash+base64`."""
        return f"{self.name}+{self.key_hash.hex()}+{b64encode(bytes([self.type]) + self.public_key).decode()}"

    def holds(self, text: str, signature: bytes) -> bool:
        """Whether a signature of this key's type holds for a note's text."""
        signed = text.encode()
        if self.type is SignatureType.COSIGNATURE:
            if len(signature) != _STAMP + _SIGNATURE:
                return False
            signed = cosigned(text, int.from_bytes(signature[:_STAMP], "big"))
            signature = signature[_STAMP:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, signed)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A private key under a name."""

    name: str
    seed: bytes
    type: SignatureType = SignatureType.ED25519

    @property
    def key(self) -> NoteKey:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return NoteKey(self.name, self.type, public)

    def sign(self, text: str, *, at: int | None = None) -> NoteSignature:
        """Sign a note's text; a cosignature says when (`at`, POSIX seconds)."""
        check_text(text)
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        if self.type is SignatureType.ED25519:
            return NoteSignature(self.name, self.key.key_hash, private.sign(text.encode()))
        stamp = int(at or 0)
        signature = stamp.to_bytes(_STAMP, "big") + private.sign(cosigned(text, stamp))
        return NoteSignature(self.name, self.key.key_hash, signature)

    def __repr__(self) -> str:
        return f"NoteSigner({self.name})"


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signatures, not yet judged: see `verified`."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @property
    def document(self) -> str:
        """The whole note."""
        return f"{self.text}\n{''.join(one.line for one in self.signatures)}"

    def with_signatures(self, more: Iterable[NoteSignature]) -> "Note":
        """The same text with further signatures; one that is there already is not doubled."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *more))))


def sign(text: str, signers: Sequence[NoteSigner]) -> Note:
    """A note signed by these keys, in their order. Raises `NoteError` for a text that cannot be a note's."""
    return Note(text, tuple(one.sign(text) for one in signers))


def key_hash(name: str, signature_type: int, public_key: bytes) -> bytes:
    """The first four bytes of a key's id."""
    return sha256(name.encode() + b"\n" + bytes([signature_type]) + public_key).digest()[:_KEY_HASH]


def parse_key(text: str) -> NoteKey:
    """A key from its vkey. Raises `NoteError`."""
    name, plus, rest = text.partition("+")
    hashed, second, encoded = rest.partition("+")
    if not plus or not second:
        raise NoteError("a vkey is name+hash+base64")
    check_name(name)
    raw = _decoded(encoded)
    if not raw or len(hashed) != 2 * _KEY_HASH or key_hash(name, raw[0], raw[1:]).hex() != hashed:
        raise NoteError(f"the hash in the vkey of {name} is not that of its key")
    try:
        return NoteKey(name, SignatureType(raw[0]), raw[1:])
    except ValueError as error:
        raise NoteError(f"the vkey of {name} has the unknown type {raw[0]}") from error


def parse(document: str) -> Note:
    """A note from its whole text. Raises `NoteError`."""
    if len(document) > MOST_BYTES:
        raise NoteError("a note is at most 1 MB long")
    check_text(document)
    text, blank, lines = document.rpartition("\n\n")
    if not blank or not lines:
        raise NoteError("a note ends with a blank line and its signatures")
    rows = lines.removesuffix("\n").split("\n")
    if len(rows) > MOST_SIGNATURES:
        raise NoteError(f"a note has at most {MOST_SIGNATURES} signatures")
    return Note(text + "\n", tuple(_signature(row) for row in rows))


def verified(note: Note, keys: Iterable[NoteKey]) -> list[tuple[NoteKey, NoteSignature]]:
    """The signatures by known keys, all of which hold. Raises `NoteError` where one does not, or there is none."""
    known = {(key.name, key.key_hash): key for key in keys}
    found: dict[tuple[str, bytes], tuple[NoteKey, NoteSignature]] = {}
    for one in note.signatures:
        key = known.get((one.name, one.key_hash))
        if key is None:
            continue
        if not key.holds(note.text, one.signature):
            raise NoteError(f"the signature of {key.name} does not hold")
        found.setdefault((one.name, one.key_hash), (key, one))
    if not found:
        raise NoteError("no signature of a key that is known here")
    return list(found.values())


def cosigned(text: str, at: int) -> bytes:
    """What a cosignature signs (C2SP tlog-cosignature, Ed25519)."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def cosigned_at(signature: NoteSignature) -> int:
    """When a cosignature was made, in POSIX seconds. Raises `NoteError` for another kind of signature."""
    if len(signature.signature) != _STAMP + _SIGNATURE:
        raise NoteError(f"the signature of {signature.name} is no cosignature")
    return int.from_bytes(signature.signature[:_STAMP], "big")


def check_text(text: str) -> None:
    """A note's text ends in a newline and has no other control character. Raises `NoteError`."""
    if not text.endswith("\n"):
        raise NoteError("a note ends in a newline")
    if any(character < " " and character != "\n" for character in text):
        raise NoteError("a note has no control characters but newlines")


def check_name(name: str) -> None:
    """A key's name has neither spaces nor plus signs. Raises `NoteError`."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteError("a key's name is not empty and has neither spaces nor plus signs")


def _signature(line: str) -> NoteSignature:
    if not line.startswith(_DASH):
        raise NoteError("a signature line begins with an em dash and a space")
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    check_name(name)
    raw = _decoded(encoded) if space else b""
    if len(raw) <= _KEY_HASH:
        raise NoteError(f"the signature of {name} is too short")
    return NoteSignature(name, raw[:_KEY_HASH], raw[_KEY_HASH:])


def _decoded(encoded: str) -> bytes:
    try:
        raw = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("not base64") from error
    if b64encode(raw).decode() != encoded:
        raise NoteError("base64 that is not canonical")
    return raw
