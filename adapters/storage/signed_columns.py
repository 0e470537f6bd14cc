"""A signature as columns beside its payload.

Invariant: what is read is bit for bit what was signed; a batch proof is `u16be size ‖ u16be index ‖ path`, absent for a signature of its own.
"""

from struct import pack, unpack_from
from typing import Any, Final

from sqlalchemy import Row

from contracts.merkle import HASH_LENGTH
from contracts.names import KeyId
from contracts.signed_bytes import BatchProof, SignedBytes

_HEAD: Final = 4


def to_columns(signed: SignedBytes) -> dict[str, Any]:
    """`payload`, `key_id`, `signature` and `proof`."""
    return {
        "payload": signed.payload,
        "key_id": signed.key_id,
        "signature": signed.signature,
        "proof": None if signed.proof is None else _pack(signed.proof),
    }


def from_row(row: Row[Any]) -> SignedBytes:
    """The signed bytes of a row that has these four columns."""
    proof = None if row.proof is None else _unpack(row.proof)
    return SignedBytes(row.payload, KeyId(row.key_id), row.signature, proof)


def _pack(proof: BatchProof) -> bytes:
    return b"".join((pack(">HH", proof.size, proof.index), *proof.path))


def _unpack(packed: bytes) -> BatchProof:
    size, index = unpack_from(">HH", packed)
    path = tuple(packed[start : start + HASH_LENGTH] for start in range(_HEAD, len(packed), HASH_LENGTH))
    return BatchProof(size, index, path)
