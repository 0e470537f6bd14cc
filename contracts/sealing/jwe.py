"""JWE in compact form with a key known to both sides: RFC 7516 §7.1, `dir` and `A256GCM` (RFC 7518 §4.5, §5.3).

Invariants: the header holds `alg`, `enc` and `kid` and nothing else, so no sender can ask for compression or another algorithm; what is opened is
padded with spaces to a multiple of 256 bytes, which any JSON reader skips; any JOSE library opens it.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts import strict_json
from contracts.errors import ContractsError

BLOCK: Final = 256
"""Plaintext is padded to a multiple of this many bytes."""

_NONCE: Final = 12
_TAG: Final = 16
_PARTS: Final = 5


class JweError(ContractsError):
    """It is not sealed as agreed, or not under this key."""


def seal(plaintext: bytes, message_key: bytes, *, kid: str, nonce: bytes | None = None) -> str:
    """Five parts joined by dots; the second, the encrypted key, is empty. A `nonce` is given by the published examples alone."""
    drawn = secrets.token_bytes(_NONCE) if nonce is None else nonce
    return under_header(_header_of(kid), _padded(plaintext), message_key, nonce=drawn)


def under_header(header: str, plaintext: bytes, key: bytes, *, nonce: bytes) -> str:
    """RFC 7516 §5.1, steps 14 to 19, with A256GCM and no encrypted key; `header` is encoded. For `seal`, and for published examples."""
    sealed = AESGCM(key).encrypt(nonce, plaintext, header.encode())
    return ".".join((header, "", _text(nonce), _text(sealed[:-_TAG]), _text(sealed[-_TAG:])))


@lru_cache(maxsize=4096)  # all that is sealed under one key begins alike
def _header_of(kid: str) -> str:
    return _text(strict_json.canonical({"alg": "dir", "enc": "A256GCM", "kid": kid}))


def stub(kid: str) -> str:
    """What is left of a JWE whose ciphertext was erased: it names its key and opens under none."""
    return f"{_header_of(kid)}...."


def kid_of(jwe: str) -> str:
    """The id of the content key under which it was sealed, from its header. Raises `JweError`."""
    return _kid_in(jwe.split(".", 1)[0])


@lru_cache(maxsize=4096)
def _kid_in(encoded: str) -> str:
    try:
        header = strict_json.parse(_bytes(encoded))
    except (ValueError, ContractsError) as error:
        raise JweError("unreadable JWE header", advice="Seal with alg dir and enc A256GCM.") from error
    kid = header.get("kid")
    if set(header) != {"alg", "enc", "kid"} or header["alg"] != "dir" or header["enc"] != "A256GCM":
        raise JweError("the JWE header holds more or else than alg, enc and kid", advice="Seal as the contract says.")
    if not isinstance(kid, str):
        raise JweError("the JWE names no key", advice="Give kid, the id of the content key.")
    return kid


def open_sealed(jwe: str, message_key: bytes) -> bytes:
    """The plaintext with its padding. Raises `JweError`."""
    kid_of(jwe)
    parts = jwe.split(".")
    if len(parts) != _PARTS or parts[1]:
        raise JweError("not a JWE in compact form with alg dir", advice="Seal as the contract says.")
    try:
        nonce, text, tag = (_bytes(part) for part in parts[2:])
        if len(nonce) != _NONCE or len(tag) != _TAG:
            raise JweError("nonce or tag of another length", advice="Seal with A256GCM.")
        return AESGCM(message_key).decrypt(nonce, text + tag, parts[0].encode())
    except (ValueError, InvalidTag) as error:
        raise JweError("it does not open under this key", advice="Ask for the key, or for the entry, again.") from error


def _padded(plaintext: bytes) -> bytes:
    return plaintext + b" " * (-len(plaintext) % BLOCK)


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """RFC 4648 §5 without padding, in its one canonical form."""
    value = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(value) != text:
        raise ValueError("not canonical base64url")
    return value
