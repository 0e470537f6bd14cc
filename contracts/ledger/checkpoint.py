"""Checkpoints (C2SP tlog-checkpoint): how large a ledger is and what its root is, as the text of a signed note.

Invariant: origin, size and root, one a line, sizes in decimal without leading zeros; extension lines are kept and mean nothing here.
"""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final

from contracts.ledger.signed_note import NoteError

_LINES: Final = 3
_MOST: Final = 2**63 - 1


class CheckpointError(NoteError):
    """A checkpoint that is none."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A ledger's state: `origin` names it, `size` counts its entries, `root` is the hash of its tree."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The note's text."""
        lines = (self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def origin_of(programme: str, shard: int) -> str:
    """How the ledger of one shard is called."""
    return f"spojka/{programme}/{shard}"


def parse(text: str) -> Checkpoint:
    """A checkpoint from a note's text. Raises `CheckpointError`."""
    if not text.endswith("\n"):
        raise CheckpointError("a checkpoint ends in a newline")
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _LINES:
        raise CheckpointError("a checkpoint has an origin, a size and a root, one a line")
    origin, size, root, *extensions = lines
    if not origin or not all(extensions):
        raise CheckpointError("a checkpoint has no empty line")
    if not size.isascii() or not size.isdigit() or (size != "0" and size.startswith("0")) or int(size) > _MOST:
        raise CheckpointError("a checkpoint's size is decimal, without leading zeros")
    try:
        return Checkpoint(origin, int(size), b64decode(root, validate=True), tuple(extensions))
    except (binascii.Error, ValueError) as error:
        raise CheckpointError("a checkpoint's root is base64") from error
