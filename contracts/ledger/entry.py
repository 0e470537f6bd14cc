"""What the ledger holds of an event: its position and the SHA-256 of its stored bytes, nothing else (DESIGN section 10).

Invariant: an entry says nothing about anybody, so it may be published and outlives the erasure of what it commits to.
"""

from typing import Final

from contracts.merkle import HASH_LENGTH, ProofError, leaf_hash

LENGTH: Final = 40


def entry_of(position: int, digest: bytes) -> bytes:
    """u64be position ‖ SHA-256 of the stored state. Raises `ProofError` where that is no SHA-256."""
    if len(digest) != HASH_LENGTH:
        raise ProofError(f"a digest has {HASH_LENGTH} bytes, not {len(digest)}")
    return position.to_bytes(8, "big") + digest


def leaf_of(position: int, digest: bytes) -> bytes:
    """The hash of the entry in the tree."""
    return leaf_hash(entry_of(position, digest))
