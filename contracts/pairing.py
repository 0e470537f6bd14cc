"""Pairing codes: what a person carries on paper from one unit to the next, and what both ends make of it (DESIGN section 9, decision record 0009).

Invariants: a code holds 95 random bits and nothing about the person; the issuing unit's subject stands on no paper. From the code follow, by
HKDF-SHA256 with the programme, the meeting subject under which issuer and joining unit find each other without any directory, and the key that opens
the issuer's subject. 32 characters without I, L, O and U; the last is a check character (ISO 7064 hybrid system, modulus 32), so a wrong character,
and nearly all swapped neighbours, show at the desk and never reach the hub.
"""

from base64 import b32encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contracts.errors import ContractsError
from contracts.names import ProgrammeId, SubjectId, UnitId

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32."""
CODE_LENGTH: Final = 20
GROUP: Final = 4
RANDOM_BYTES: Final = 12
"""What `new_code` takes: 95 of its 96 bits stand in the code."""
NONCE_BYTES: Final = 12
VALID_FOR: Final = timedelta(days=30)

_LOOKALIKES: Final = str.maketrans({"I": "1", "L": "1", "O": "0"})
_SEPARATORS: Final = str.maketrans(dict.fromkeys(" -\t\n\r–", ""))
_SUBJECT_CHARACTERS: Final = 26
_SUBJECT_BYTES: Final = 17
_PADDED: Final = 64
"""All subjects, random or derived, wrap to one length."""


class PairingCodeError(ContractsError):
    """What was typed is no pairing code."""


class NotOpenedError(ContractsError):
    """What the issuing unit left does not open with this code."""

    def __init__(self) -> None:
        super().__init__(
            "what the other unit left does not open with this code", advice="ask the person for a new code"
        )


@dataclass(frozen=True, slots=True)
class Meeting:
    """What follows from a code: where the two units meet, and the key to what one leaves for the other."""

    subject: SubjectId
    key: bytes


def new_code(random: bytes) -> str:
    """A code of 12 random bytes, without separators."""
    if len(random) != RANDOM_BYTES:
        raise ValueError("a pairing code is made of 12 random bytes")
    number = int.from_bytes(random, "big") >> 1
    body = "".join(ALPHABET[number >> 5 * place & 31] for place in range(CODE_LENGTH - 1))
    return body + _check_character(body)


def written(code: str) -> str:
    """The code in groups of four, as people copy it."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def read_code(typed: str) -> str:
    """The code in its one spelling: case, spaces, hyphens and look-alikes do not matter. Raises `PairingCodeError`."""
    code = typed.translate(_SEPARATORS).upper().translate(_LOOKALIKES)
    if len(code) != CODE_LENGTH or not set(code) <= set(ALPHABET):
        raise PairingCodeError(
            "this is no pairing code",
            advice=f"it has {CODE_LENGTH} letters and digits in groups of {GROUP}: copy all of them",
        )
    if _check_character(code[:-1]) != code[-1]:
        raise PairingCodeError("the code is mistyped", advice="compare each group with the slip")
    return code


def meeting_of(code: str, programme: ProgrammeId) -> Meeting:
    """What follows from a code that `read_code` gave."""
    made = HKDF(SHA256(), _SUBJECT_BYTES + 32, salt=b"spojka/pairing/v1", info=_prefixed(programme)).derive(
        code.encode()
    )
    named = b32encode(made[:_SUBJECT_BYTES]).decode().lower()[:_SUBJECT_CHARACTERS]
    return Meeting(SubjectId(f"r1.{named}"), made[_SUBJECT_BYTES:])


def wrap(subject: SubjectId, *, meeting: Meeting, issuer: UnitId, nonce: bytes) -> str:
    """The issuer's subject, sealed for whoever has the code: nonce ‖ AES-256-GCM, bound to meeting subject and issuer."""
    padded = subject.encode().ljust(_PADDED, b"\0")
    sealed = nonce + AESGCM(meeting.key).encrypt(nonce, padded, _bound(meeting, issuer))
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def unwrap(wrapped: str, *, meeting: Meeting, issuer: UnitId) -> SubjectId:
    """The issuer's subject. Raises `NotOpenedError`."""
    sealed = urlsafe_b64decode(wrapped + "=" * (-len(wrapped) % 4))
    nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        padded = AESGCM(meeting.key).decrypt(nonce, rest, _bound(meeting, issuer))
    except (InvalidTag, ValueError):
        raise NotOpenedError from None
    return SubjectId(padded.rstrip(b"\0").decode("ascii"))


def _bound(meeting: Meeting, issuer: UnitId) -> bytes:
    return _prefixed(meeting.subject) + _prefixed(issuer)


def _prefixed(text: str) -> bytes:
    coded = text.encode()
    return len(coded).to_bytes(2, "big") + coded


def _check_character(body: str) -> str:
    """ISO 7064 hybrid system: modulus 33 and 32."""
    size = len(ALPHABET)
    check = size // 2
    for character in body:
        check = ((check or size) * 2 % (size + 1) + ALPHABET.index(character)) % size
    return ALPHABET[(1 - (check or size) * 2 % (size + 1)) % size]
