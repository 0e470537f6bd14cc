"""The witness protocol's request and verdict (C2SP tlog-witness), and what a witness checks before it cosigns. Pure.

Invariants: a witness signs a checkpoint only where it extends the one that it signed last, proven; what it signs it has checked itself.
"""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from contracts.ledger import checkpoint, signed_note
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.signed_note import Note, NoteError, NoteKey
from contracts.merkle import EMPTY_ROOT, HASH_LENGTH, ProofError, verify_consistency

_MOST_HASHES: Final = 63


class Answer(IntEnum):
    """Why a checkpoint is not cosigned: the status of `POST /add-checkpoint`."""

    MALFORMED = 400
    UNTRUSTED = 403
    UNKNOWN_LOG = 404
    CONFLICT = 409
    BAD_PROOF = 422


class WitnessError(NoteError):
    """A checkpoint that is not cosigned; `size` is what the witness saw last, where that is the matter."""

    def __init__(self, answer: Answer, problem: str, *, size: int | None = None) -> None:
        super().__init__(problem)
        self.answer = answer
        self.size = size


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request: from which size on, the proof, and the checkpoint as a signed note."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    @property
    def body(self) -> str:
        """As it is posted."""
        hashes = "".join(f"{b64encode(one).decode()}\n" for one in self.proof)
        return f"old {self.old}\n{hashes}\n{self.note.document}"


def parse(body: str) -> AddCheckpoint:
    """A request from its body. Raises `WitnessError` (malformed)."""
    head, blank, note = body.partition("\n\n")
    old, *hashes = head.split("\n")
    number = old.removeprefix("old ")
    if not blank or number == old or not number.isascii() or not number.isdigit() or len(hashes) > _MOST_HASHES:
        raise WitnessError(Answer.MALFORMED, "a request is `old SIZE`, the proof, a blank line and the checkpoint")
    if number != "0" and number.startswith("0"):
        raise WitnessError(Answer.MALFORMED, "sizes have no leading zeros")
    try:
        proof = tuple(b64decode(line, validate=True) for line in hashes)
        parsed = signed_note.parse(note)
    except (binascii.Error, ValueError) as error:
        raise WitnessError(Answer.MALFORMED, "the proof is base64, a hash a line") from error
    except NoteError as error:
        raise WitnessError(Answer.MALFORMED, error.problem) from error
    if any(len(one) != HASH_LENGTH for one in proof):
        raise WitnessError(Answer.MALFORMED, f"a hash has {HASH_LENGTH} bytes")
    return AddCheckpoint(int(number), proof, parsed)


def to_cosign(request: AddCheckpoint, *, logs: list[NoteKey], last: Checkpoint | None) -> Checkpoint:
    """The checkpoint that may be cosigned, seen from the last one of its log. Raises `WitnessError`."""
    try:
        found = checkpoint.parse(request.note.text)
    except NoteError as error:
        raise WitnessError(Answer.MALFORMED, error.problem) from error
    keys = [key for key in logs if key.name == found.origin]
    if not keys:
        raise WitnessError(Answer.UNKNOWN_LOG, f"{found.origin} is no log that is witnessed here")
    try:
        signed_note.verified(request.note, keys)
    except NoteError as error:
        raise WitnessError(Answer.UNTRUSTED, error.problem) from error
    if request.old > found.size:
        raise WitnessError(Answer.MALFORMED, "the old size is beyond the new one")
    size, root = (0, EMPTY_ROOT) if last is None else (last.size, last.root)
    if request.old != size:
        raise WitnessError(Answer.CONFLICT, f"the last checkpoint seen has size {size}", size=size)
    if found.size == size and found.root != root:
        raise WitnessError(Answer.CONFLICT, "another root for the same size: a fork", size=size)
    check_extends(request.proof, old_size=size, old_root=root, new=found)
    return found


def check_extends(proof: tuple[bytes, ...], *, old_size: int, old_root: bytes, new: Checkpoint) -> None:
    """That a ledger only grew. Raises `WitnessError` (bad proof)."""
    if old_size == 0:
        if proof:
            raise WitnessError(Answer.BAD_PROOF, "nothing has to be proven from size 0")
        return
    try:
        verify_consistency(first=old_size, second=new.size, first_root=old_root, second_root=new.root, path=proof)
    except ProofError as error:
        raise WitnessError(Answer.BAD_PROOF, error.problem) from error
