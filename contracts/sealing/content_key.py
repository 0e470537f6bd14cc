"""Content keys, the ids that commit to them, and the message keys that follow from them (DESIGN section 9).

Invariants: AES-GCM does not commit to its key, so a key's id is a hash of the key and is checked wherever a key arrives; a message key is bound to
programme, source, subject, type and id, so it opens that one message and tells nothing of the content key; no representation shows a key.
"""

import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from struct import pack
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contracts.envelope import Attributes
from contracts.errors import ContractsError
from contracts.names import ProgrammeId, UnitId

KEY_LENGTH: Final = 32
PARTIES: Final = "parties"
"""The scope of what bears no category: consents, grounds, restrictions, merges. Its parties open it."""

_KEY_ID: Final = b"spojka/kid/v1"
_MESSAGE_KEY: Final = b"spojka/message-key/v1"


class KeyMismatchError(ContractsError):
    """A key is not the one that its id names: whoever sent it is in error, or cheats."""


@dataclass(frozen=True, slots=True)
class ContentKey:
    """32 random bytes that a unit made for one subject, scope and epoch."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_LENGTH:
            raise KeyMismatchError("not a content key", advice=f"Give its {KEY_LENGTH} bytes.")

    @classmethod
    def generate(cls) -> Self:
        """A fresh key from the operating system's random source."""
        return cls(secrets.token_bytes(KEY_LENGTH))

    @property
    def key_id(self) -> str:
        """SHA-256("spojka/kid/v1" ‖ key) in hex, which stands as `kid` in every JWE under it."""
        return sha256(_KEY_ID + self.secret).hexdigest()


@dataclass(frozen=True, slots=True)
class KeyLabel:
    """What a content key is for; bound into every deposit and release of it."""

    programme: ProgrammeId
    author: UnitId
    """The unit that made it and seals under it."""
    subject: str
    """The subject, or the source of messages about none."""
    scope: str
    """A category, or `parties`."""
    epoch: int
    """Rises with every change of grounds, and each quarter."""


def checked(secret: bytes, key_id: str) -> ContentKey:
    """The key, if it is the one that `key_id` names. Raises `KeyMismatchError`."""
    key = ContentKey(secret)
    if key.key_id != key_id:
        raise KeyMismatchError("the key is not the one that its id names", advice="Ask for the key again.")
    return key


def scope_of(attributes: Attributes) -> str:
    """The scope under whose key a message is sealed."""
    return PARTIES if attributes.category is None else attributes.category.value


def message_key(key: ContentKey, attributes: Attributes) -> bytes:
    """32 bytes: HKDF-SHA256 of the content key over the length-prefixed programme, source, subject, type and id."""
    return message_key_for(
        key, attributes.programme, attributes.source, attributes.subject or "", attributes.type, attributes.id
    )


def message_key_for(key: ContentKey, *bound: str) -> bytes:
    """The same from programme, source, subject (empty where there is none), type and id."""
    info = length_prefixed(_MESSAGE_KEY.decode(), *bound)
    return HKDF(algorithm=SHA256(), length=KEY_LENGTH, salt=None, info=info).derive(key.secret)


def length_prefixed(*parts: str) -> bytes:
    """Each part as u16be length ‖ UTF-8, so that no two lists of parts give the same bytes."""
    encoded = [part.encode() for part in parts]
    return b"".join(pack(">H", len(part)) + part for part in encoded)
