"""The form of an encrypted state: what was decided under an evidence key, and where an erasure may come the signed bytes under an entry key.

Invariants: both parts are bound to their place (stream, version, topic), so a stored row moved elsewhere no longer opens. A key is named by its
fingerprint, which looks random and commits to it: the log alone does not tell who an event is about, and nobody can give two auditors two keys that
open one ciphertext in two ways. A state begins with a byte that no state in clear begins with (those are JSON objects). One nonce serves both parts,
each under a key of its own.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_LENGTH: Final = 32
CLEAR: Final = b"{"
"""How states begin that were written before there were keys."""

_WHOLE: Final = b"\x01"
_PARTED: Final = b"\x02"
_NONCE: Final = 12
_ID: Final = 32
_SIZE: Final = 4
_TAG: Final = 16
_START: Final = 1 + _ID + _NONCE
"""Form, evidence key, nonce; then, parted: entry key and length of the decision; then the decision; then, parted, the signed bytes."""


@dataclass(frozen=True, slots=True)
class StateKey:
    """A key at work. A process keeps tens of thousands, so none holds its cipher of 2.5 KB; those used last are kept."""

    key_id: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> "StateKey":
        """Of its 32 bytes. Raises `ValueError`."""
        if len(secret) != KEY_LENGTH:
            raise ValueError("a key is 32 bytes long")
        return cls(key_id_of(secret), secret)

    @property
    def cipher(self) -> AESGCM:
        """Safe to share between threads."""
        return _cipher(self.secret)


@lru_cache(maxsize=256)
def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(secret)


def key_id_of(secret: bytes) -> bytes:
    """SHA-256("spojka/log-key/v1" ‖ key)."""
    return sha256(b"spojka/log-key/v1" + secret).digest()


@dataclass(frozen=True, slots=True)
class Opened:
    """What a state held; `content` None where it lay in no part of its own, empty where its key is destroyed."""

    decision: bytes
    content: bytes | None = None


def place(stream: UUID, version: int, topic: str) -> bytes:
    """Associated data: 16 bytes stream id, version as u64be, topic as UTF-8 (last, so nothing needs a length)."""
    return stream.bytes + version.to_bytes(8, "big") + topic.encode()


def nonces(count: int) -> Iterator[bytes]:
    """Fresh ones, drawn together: a draw costs as much as an encryption."""
    drawn = os.urandom(_NONCE * count)
    return (drawn[begin : begin + _NONCE] for begin in range(0, len(drawn), _NONCE))


def seal_whole(plain: bytes, *, evidence: StateKey, bound: bytes, nonce: bytes) -> bytes:
    """A state of one part, which no erasure covers."""
    return b"".join((_WHOLE, evidence.key_id, nonce, evidence.cipher.encrypt(nonce, plain, _WHOLE + bound)))


def seal_parted(  # noqa: PLR0913 - two parts under two keys
    decision: bytes, content: bytes, *, evidence: StateKey, entry: StateKey, bound: bytes, nonce: bytes
) -> bytes:
    """A state of two parts; the decision's is bound to which key the other is under."""
    size = (len(decision) + _TAG).to_bytes(_SIZE, "big")
    return b"".join(
        (
            _PARTED,
            evidence.key_id,
            nonce,
            entry.key_id,
            size,
            evidence.cipher.encrypt(nonce, decision, _PARTED + entry.key_id + bound),
            entry.cipher.encrypt(nonce, content, _PARTED + bound),
        )
    )


def keys_named(state: bytes) -> Sequence[bytes]:
    """The ids of the keys that a state is under: evidence, entry. Raises `ValueError` for what is no encrypted state."""
    form, begin = state[:1], _START + _ID
    if form == _WHOLE and len(state) >= _START + _TAG:
        return (state[1 : 1 + _ID],)
    if form == _PARTED and len(state) >= begin + _SIZE + _TAG:
        return state[1 : 1 + _ID], state[_START:begin]
    raise ValueError("not a state of a form that this version reads")


def open_state(state: bytes, *, evidence: StateKey, entry: StateKey | None, bound: bytes) -> Opened:
    """What a state holds; with `entry` None only its decision. Raises `ValueError` when key, place or bytes do not fit."""
    names = keys_named(state)
    nonce = state[1 + _ID : _START]
    try:
        if len(names) == 1:
            return Opened(evidence.cipher.decrypt(nonce, state[_START:], _WHOLE + bound))
        begin = _START + _ID + _SIZE
        end = begin + int.from_bytes(state[begin - _SIZE : begin], "big")
        decision = evidence.cipher.decrypt(nonce, state[begin:end], _PARTED + names[1] + bound)
        content = b"" if entry is None else entry.cipher.decrypt(nonce, state[end:], _PARTED + bound)
    except InvalidTag as error:
        raise ValueError("key, place or bytes do not fit") from error
    return Opened(decision, content)
