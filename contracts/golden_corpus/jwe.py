"""JWE in compact form with a key known to both sides: RFC 7516 §7.1, `dir` and `A256GCM` (RFC 7518 §4.5, §5.3). For the corpus alone.

Invariant: the nonce is given, which only a corpus may do.
"""

from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts import strict_json

_TAG = 16
"""Bytes of the authentication tag."""


def seal(plaintext: bytes, cipher: AESGCM, *, kid: str, nonce: bytes) -> str:
    """Five parts joined by dots; the second, the encrypted key, is empty."""
    header = _text(strict_json.canonical({"alg": "dir", "enc": "A256GCM", "kid": kid}))
    sealed = cipher.encrypt(nonce, plaintext, header.encode())
    return ".".join((header, "", _text(nonce), _text(sealed[:-_TAG]), _text(sealed[-_TAG:])))


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
