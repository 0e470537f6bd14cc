"""JWEs that open for whoever does not look at one thing. Pure."""

from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts import strict_json
from contracts.sealing.jwe import BLOCK, seal


def with_a_type(plaintext: bytes, message_key: bytes, *, kid: str) -> str:
    """A JWE that opens for whoever does not read its header to the end."""
    header = _text(strict_json.canonical({"alg": "dir", "cty": "json", "enc": "A256GCM", "kid": kid}))
    nonce, padded = bytes(12), plaintext + b" " * (-len(plaintext) % BLOCK)  # its key seals nothing else
    sealed = AESGCM(message_key).encrypt(nonce, padded, header.encode())
    return ".".join((header, "", _text(nonce), _text(sealed[:-16]), _text(sealed[-16:])))


def tampered(plaintext: bytes, message_key: bytes, *, kid: str) -> str:
    """A JWE whose text is another than was sealed: nobody can open it who looks at the tag."""
    head, _, nonce, text, tag = seal(plaintext, message_key, kid=kid).split(".")
    return ".".join((head, "", nonce, text, ("A" if tag[0] != "A" else "B") + tag[1:]))


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
