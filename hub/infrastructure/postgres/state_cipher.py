"""What encrypts the state of stored events, as a protocol; and what does not, until keys per subject exist.

Invariants: the associated data ties a state to its place (stream, version, topic), so a stored row moved elsewhere no longer opens. A cipher names
its key inside what it returns, never by the subject: the log alone must not tell who an event is about (DESIGN section 9, at rest in the hub).
"""

from typing import Protocol
from uuid import UUID

from contracts.names import RecordKey


class StateCipher(Protocol):
    """Authenticated encryption of event states."""

    def encrypt(self, plaintext: bytes, *, key_name: RecordKey, associated_data: bytes) -> bytes:
        """Encrypt under the key that belongs to `key_name`, made when there is none."""

    def decrypt(self, ciphertext: bytes, *, associated_data: bytes) -> bytes:
        """The plaintext. Raises `ValueError` when key, place or bytes do not fit, or the key was destroyed."""


class NullCipher:
    """States in clear."""

    def encrypt(self, plaintext: bytes, *, key_name: RecordKey, associated_data: bytes) -> bytes:
        """The same bytes."""
        del key_name, associated_data
        return plaintext

    def decrypt(self, ciphertext: bytes, *, associated_data: bytes) -> bytes:
        """The same bytes."""
        del associated_data
        return ciphertext


def place(stream: UUID, version: int, topic: str) -> bytes:
    """Associated data: 16 bytes stream id, version as u64be, topic as UTF-8 (last, so nothing needs a length)."""
    return stream.bytes + version.to_bytes(8, "big") + topic.encode()
