"""Exact bytes with one signature, alone or as a leaf of a signed batch.

Invariants: the payload is never written again, so what was signed is what is verified, stored and hashed; the type
and the key come from the verifier; a key signs and verifies only what its use covers, since a batch binds bytes and
not their type. A batch is an RFC 9162 tree over at most 256 payloads, signed once as `u64be size ‖ root`; every
record proves its place in it, so each verifies alone, and no batch claims completeness or order (DESIGN section 5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Final

from contracts.keys import KeyUse, KeyUseError, SignatureError, SignatureFault, SigningKey, VerifyingKey
from contracts.merkle import ProofError, all_inclusion_paths, leaf_hash, root, root_from_inclusion
from contracts.names import KeyId
from contracts.pae import PayloadType

__all__ = [
    "MAX_BATCH",
    "BatchProof",
    "BatchRoots",
    "SignatureError",
    "SignatureFault",
    "SignedBatch",
    "SignedBytes",
    "proofs_of",
    "sign_batch",
    "sign_one",
    "sign_together",
    "verify",
]

MAX_BATCH: Final = 256

_USES: Final[dict[str, frozenset[KeyUse]]] = {
    PayloadType.CLOUDEVENT: frozenset({KeyUse.MESSAGES}),
    # Receipts and deliveries of one relay transaction may share one tree.
    PayloadType.RECEIPT: frozenset({KeyUse.RECEIPTS, KeyUse.DELIVERIES}),
    PayloadType.DELIVERY: frozenset({KeyUse.DELIVERIES}),
    PayloadType.FEED_HEAD: frozenset({KeyUse.RECEIPTS, KeyUse.DELIVERIES}),
    PayloadType.RELEASE: frozenset({KeyUse.RELEASES}),
    PayloadType.TRUST_LIST: frozenset({KeyUse.DIRECTORY}),
}
_BATCH_USES: Final = frozenset({KeyUse.MESSAGES, KeyUse.RECEIPTS, KeyUse.DELIVERIES, KeyUse.RELEASES})


@dataclass(frozen=True, slots=True)
class BatchProof:
    """The place of a payload in its batch: tree size, index from 0, RFC 9162 inclusion path of 32-byte hashes."""

    size: int
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SignedBytes:
    """A payload, the key said to have signed it, and 64 bytes of signature: over it, or over its batch (`proof`)."""

    payload: bytes
    key_id: KeyId
    signature: bytes
    proof: BatchProof | None = None

    @property
    def digest(self) -> bytes:
        """SHA-256 of the payload: what receipts and deliveries name."""
        return sha256(self.payload).digest()


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """What the payloads of a batch share: the key, its one signature, and their leaf hashes in order, from which the proof of each follows."""

    key_id: KeyId
    signature: bytes
    leaves: tuple[bytes, ...]


class BatchRoots:
    """The batches whose signature already held, so that 256 records cost one Ed25519 verification.

    Bounded, oldest out first; safe to share between threads. It remembers successes only, under the key's bytes and
    not its name.
    """

    def __init__(self, capacity: int = 4096) -> None:
        if capacity < 1:
            raise ValueError(f"a memory holds at least one root, not {capacity}")
        self._capacity = capacity
        self._lock = Lock()
        self._verified: dict[tuple[bytes, bytes, bytes], None] = {}

    def holds(self, public_key: bytes, batch: bytes, signature: bytes) -> bool:
        """Whether this signature over `u64be size ‖ root` has verified under this key."""
        return (public_key, batch, signature) in self._verified

    def keep(self, public_key: bytes, batch: bytes, signature: bytes) -> None:
        """Remember a signature that has just verified."""
        with self._lock:
            self._verified[public_key, batch, signature] = None
            if len(self._verified) > self._capacity:
                del self._verified[next(iter(self._verified))]


def sign_one(payload: bytes, key: SigningKey, payload_type: PayloadType) -> SignedBytes:
    """Sign one payload. Raises `KeyUseError` when the key is for something else."""
    _check_may_sign(key, _USES.get(payload_type, frozenset()))
    return SignedBytes(payload, key.key_id, key.sign(payload_type, payload))


def sign_batch(payloads: Sequence[bytes], key: SigningKey) -> list[SignedBytes]:
    """Sign up to 256 payloads of the key's use with one signature, in the order given.

    Raises `ValueError` for more, `KeyUseError` when the key is for something that does not travel in batches.
    """
    if not payloads:
        return []
    batch = sign_together(payloads, key)
    return [
        SignedBytes(payload, batch.key_id, batch.signature, proof)
        for payload, proof in zip(payloads, proofs_of(batch.leaves), strict=True)
    ]


def sign_together(payloads: Sequence[bytes], key: SigningKey) -> SignedBatch:
    """Sign 1 to 256 payloads as `sign_batch` does, without making their proofs yet (`proofs_of`). Raises as it does, and `ValueError` for none."""
    _check_may_sign(key, _BATCH_USES)
    if len(payloads) > MAX_BATCH:
        raise ValueError(f"a batch holds at most {MAX_BATCH} payloads, not {len(payloads)}")
    if not payloads:
        raise ValueError("a batch of nothing proves nothing")
    leaves = tuple(map(leaf_hash, payloads))
    return SignedBatch(key.key_id, key.sign(PayloadType.BATCH, _batch(len(leaves), root(leaves))), leaves)


def proofs_of(leaves: Sequence[bytes]) -> list[BatchProof]:
    """Where each of a batch's payloads stands in it, in their order, by the leaf hashes of all."""
    _, paths = all_inclusion_paths(leaves)
    return [BatchProof(len(leaves), index, path) for index, path in enumerate(paths)]


def verify(
    signed: SignedBytes, key: VerifyingKey, payload_type: PayloadType, *, roots: BatchRoots | None = None
) -> None:
    """Check that `key` signed exactly these bytes as this type. Raises `SignatureError`; returns nothing.

    `roots` spares the Ed25519 verification of batches that it has seen hold; the inclusion proof is checked each time.
    """
    if signed.key_id != key.key_id:
        raise SignatureError(signed.key_id, SignatureFault.NOT_THIS_KEY, f"verify with that key, not with {key.key_id}")
    if key.use not in _USES.get(payload_type, frozenset()):
        raise SignatureError(signed.key_id, SignatureFault.WRONG_USE, f"sign {payload_type} with a key for that use")
    if signed.proof is None:
        key.verify(payload_type, signed.payload, signed.signature)
        return
    batch = _batch(signed.proof.size, _root(signed, signed.proof))
    if roots is not None and roots.holds(key.public_bytes, batch, signed.signature):
        return
    key.verify(PayloadType.BATCH, batch, signed.signature)
    if roots is not None:
        roots.keep(key.public_bytes, batch, signed.signature)


def _root(signed: SignedBytes, proof: BatchProof) -> bytes:
    if not 0 < proof.size <= MAX_BATCH:
        raise SignatureError(signed.key_id, SignatureFault.BAD_PROOF, f"a batch holds 1 to {MAX_BATCH} payloads")
    try:
        return root_from_inclusion(leaf_hash(signed.payload), proof.index, proof.size, proof.path)
    except ProofError as error:
        raise SignatureError(signed.key_id, SignatureFault.BAD_PROOF, error.problem) from error


def _batch(size: int, root: bytes) -> bytes:
    return size.to_bytes(8, "big") + root


def _check_may_sign(key: SigningKey, uses: frozenset[KeyUse]) -> None:
    if key.use not in uses:
        raise KeyUseError(
            f"{key.key_id} may not sign this", advice=f"use a key for {' or '.join(sorted(uses)) or 'it'}"
        )
