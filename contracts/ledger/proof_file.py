"""Proofs that stand alone (C2SP tlog-proof): an entry's path and the checkpoint that it leads to, as text.

Invariant: what is read is written again to the same bytes.
"""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final

from contracts.ledger import signed_note
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.policy import Policy
from contracts.merkle import HASH_LENGTH, ProofError, verify_inclusion

HEADER: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class ProofFile:
    """An inclusion proof with its signed checkpoint (the whole note), and whatever else the maker added."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    @property
    def text(self) -> str:
        """As a file."""
        extra = [] if self.extra is None else [f"extra {b64encode(self.extra).decode()}"]
        hashes = [b64encode(one).decode() for one in self.path]
        return "".join(f"{line}\n" for line in (HEADER, *extra, f"index {self.index}", *hashes, "")) + self.checkpoint

    def verify(self, leaf: bytes, policy: Policy, *, origin: str | None = None) -> Checkpoint:
        """The accepted checkpoint under which the leaf hash stands. Raises `ProofError`, `PolicyError`, `NoteError`."""
        found = policy.accept(signed_note.parse(self.checkpoint), origin=origin)
        verify_inclusion(leaf, found.root, index=self.index, size=found.size, path=self.path)
        return found


def parse(text: str) -> ProofFile:
    """A proof from its file. Raises `ProofError`."""
    head, blank, note = text.partition("\n\n")
    header, *lines = head.split("\n")
    if header != HEADER or not blank:
        raise ProofError("not a proof of inclusion")
    extra = _decoded(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        raise ProofError("a proof names the entry's index")
    index = lines[0].removeprefix("index ")
    if not index.isascii() or not index.isdigit() or (index != "0" and index.startswith("0")):
        raise ProofError("an index is decimal, without leading zeros")
    path = tuple(_decoded(line) for line in lines[1:])
    if any(len(one) != HASH_LENGTH for one in path):
        raise ProofError(f"a hash has {HASH_LENGTH} bytes")
    return ProofFile(int(index), path, note, extra)


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError("not base64") from error
