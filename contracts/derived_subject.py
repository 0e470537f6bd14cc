"""Derived subjects (`h1.`): the same person gets the same pseudonym at every unit that may use the national id and holds the programme key.

Invariants: HMAC-SHA256 with the programme key over u16be length ‖ scheme ‖ u16be length ‖ normalised id, in ASCII, written as 52 base32 characters;
without the key nobody can derive or test one. Whether a number is a valid one is the adapter's business, which alone ever sees it (DESIGN section 9).
"""

from base64 import b32encode
from enum import StrEnum
from hashlib import sha256
from hmac import digest
from typing import Final

from contracts.names import SubjectId

MIN_KEY_BYTES: Final = 32


class Scheme(StrEnum):
    """Whose number it is: two schemes never give one subject."""

    PESEL = "pesel"
    """Poland's PESEL, 11 digits."""
    RODNE_CISLO = "rodne-cislo"
    """The Czech and Slovak birth number, 9 or 10 digits without the stroke."""


def derive_subject(scheme: Scheme, normalised: str, *, programme_key: bytes) -> SubjectId:
    """The subject of a person with this number. Raises `ValueError` for a key of less than 32 bytes."""
    if len(programme_key) < MIN_KEY_BYTES:
        raise ValueError("a programme key has at least 32 bytes")
    named = _prefixed(scheme.value) + _prefixed(normalised)
    return SubjectId("h1." + b32encode(digest(programme_key, named, sha256)).decode().rstrip("=").lower())


def _prefixed(text: str) -> bytes:
    written = text.encode("ascii")
    return len(written).to_bytes(2, "big") + written
