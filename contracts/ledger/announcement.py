"""What lies on `hub.ledger` and on `hub.witness`: how a ledger grew, and what a witness says about it (adr/0020).

Invariants: an announcement needs no signature but the one on its checkpoint, since all else in it is proven by that root or worth nothing; a
sighting speaks for its unit only by its cosignature. The record's key is the unit.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Annotated, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from contracts import strict_json
from contracts.errors import ContractsError
from contracts.ledger import checkpoint, signed_note
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.frontier import Frontier
from contracts.ledger.signed_note import Note, NoteError, NoteSignature
from contracts.ledger.stretch import Stretch
from contracts.merkle import HASH_LENGTH, ProofError, verify_consistency
from contracts.names import Unit, UnitId

CONTENT_TYPE: Final = "application/vnd.spojka.ledger+json"
MOST_LEAVES: Final = 4096
"""In one announcement; a ledger that grew by more announces itself in several, or proves what it jumps over."""
Hash = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""32 bytes in standard base64."""


class AnnouncementError(ContractsError):
    """What lies there is no announcement (or sighting), or does not add up to its checkpoint."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem, advice="keep it apart; whoever wrote it must explain")


class Announcement(BaseModel):
    """A ledger from `first` entries to as many as its checkpoint says."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    first: Annotated[int, Field(ge=0)]
    """The size from which on this tells everything."""
    subtrees: Annotated[tuple[Hash, ...], Field(max_length=63)] = ()
    """The roots of the perfect subtrees of the tree of `first` entries, the largest first."""
    leaves: Annotated[str, StringConstraints(max_length=180_000)] | None = None
    """The leaf hashes from `first` on, 32 bytes each, joined, in standard base64; left out where `proof` leads over them."""
    proof: Annotated[tuple[Hash, ...], Field(max_length=63)] | None = None
    """RFC 9162 consistency path from `first` to the checkpoint's size, for a witness that has fallen far behind."""
    checkpoint: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
    """The signed note (C2SP tlog-checkpoint), with the cosignatures that it has so far."""

    @classmethod
    def of(cls, stretch: Stretch, note: Note) -> Self:
        """How a ledger grew, leaf by leaf."""
        return cls(
            first=stretch.first,
            subtrees=_texts(stretch.before.hashes),
            leaves=b64encode(b"".join(stretch.leaves)).decode(),
            checkpoint=note.document,
        )

    @classmethod
    def over(cls, before: Frontier, proof: Sequence[bytes], note: Note) -> Self:
        """That a ledger grew, without what it holds."""
        return cls(first=before.size, subtrees=_texts(before.hashes), proof=_texts(proof), checkpoint=note.document)

    @property
    def document(self) -> bytes:
        """As it lies on the topic."""
        return strict_json.canonical(self.model_dump(mode="json", exclude_none=True))

    @property
    def before(self) -> Frontier:
        """The tree of `first` entries. Raises `ProofError`."""
        return Frontier(self.first, tuple(b64decode(one) for one in self.subtrees))

    def checked(self) -> tuple[Note, Checkpoint, Stretch]:
        """The note, its checkpoint, and the leaves that lead to its root (none where a proof does); signatures are not looked at.

        Raises `AnnouncementError`.
        """
        try:
            note = signed_note.parse(self.checkpoint)
            head = checkpoint.parse(note.text)
            stretch = Stretch(self.before, self._leaf_hashes())
            if (self.leaves is None) == (self.proof is None):
                raise AnnouncementError("an announcement has either leaves or a proof")
            if self.proof is not None:
                path = [b64decode(one) for one in self.proof]
                roots = {"first_root": self.before.root, "second_root": head.root}
                verify_consistency(first=self.first, second=head.size, path=path, **roots)
            elif stretch.size != head.size or stretch.root(stretch.size) != head.root:
                raise AnnouncementError(f"the leaves do not lead to the checkpoint of size {head.size}")
        except (ProofError, NoteError) as error:
            raise AnnouncementError(error.problem) from error
        return note, head, stretch

    def _leaf_hashes(self) -> tuple[bytes, ...]:
        try:
            raw = b64decode(self.leaves or "", validate=True)
        except (binascii.Error, ValueError) as error:
            raise AnnouncementError("leaves are base64") from error
        if len(raw) % HASH_LENGTH or len(raw) > MOST_LEAVES * HASH_LENGTH:
            raise AnnouncementError(f"leaves have {HASH_LENGTH} bytes each and are at most {MOST_LEAVES}")
        return tuple(raw[at : at + HASH_LENGTH] for at in range(0, len(raw), HASH_LENGTH))


class Sighting(BaseModel):
    """What a witness has seen last of a ledger, with its cosignature."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    unit: Unit
    origin: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    size: Annotated[int, Field(ge=0)]
    root: Hash
    cosignature: Annotated[str, StringConstraints(max_length=1000)] | None = None
    """The line of a signed note (C2SP tlog-cosignature) over that checkpoint, without its newline; a unit without a witness key has none."""
    behind: bool = False
    """True: the last announcement began beyond this, so the ledger is asked to go on from here."""

    @classmethod
    def about(cls, seen: Checkpoint, *, unit: UnitId, cosignature: str | None = None, behind: bool = False) -> Self:
        """A sighting about a checkpoint."""
        return cls(
            unit=unit,
            origin=seen.origin,
            size=seen.size,
            root=b64encode(seen.root).decode(),
            cosignature=cosignature,
            behind=behind,
        )

    @property
    def document(self) -> bytes:
        """As it lies on the topic."""
        return strict_json.canonical(self.model_dump(mode="json", exclude_none=True))

    @property
    def root_hash(self) -> bytes:
        """The root that it saw."""
        return b64decode(self.root)

    def signature(self, text: str) -> NoteSignature | None:
        """The cosignature, to be checked over the text of a note; None where there is none that reads."""
        if self.cosignature is None:
            return None
        try:
            (found,) = signed_note.parse(f"{text}\n{self.cosignature}\n").signatures
        except (NoteError, ValueError):
            return None
        return found


_Document = TypeVar("_Document", Announcement, Sighting)


def read_announcement(raw: bytes) -> Announcement:
    """Raises `AnnouncementError`."""
    return _read(Announcement, raw)


def read_sighting(raw: bytes) -> Sighting:
    """Raises `AnnouncementError`."""
    return _read(Sighting, raw)


def _read(model: type[_Document], raw: bytes) -> _Document:
    try:
        strict_json.parse(raw)
        return model.model_validate_json(raw)
    except strict_json.StrictJsonError as error:
        raise AnnouncementError(str(error)) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise AnnouncementError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _texts(hashes: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(b64encode(one).decode() for one in hashes)
