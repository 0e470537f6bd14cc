"""Judge one announcement of the hub's ledger, seen from the last checkpoint that was taken. Pure.

Invariants: nothing counts before the hub's signature holds and leaves (or proof) lead to its root; a contradiction is only what two of the hub's own
signatures cannot both mean. What merely does not add up proves nothing against the hub and raises `AnnouncementError`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts.ledger import signed_note
from contracts.ledger.announcement import Announcement, AnnouncementError
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.signed_note import Note, NoteError, NoteKey
from contracts.ledger.stretch import Stretch

Roots = Callable[[int], bytes | None]
"""The root of a checkpoint that was seen, by its size."""


@dataclass(frozen=True, slots=True)
class Grown:
    """It follows from the last one; `stretch` has no leaves where a proof led over them."""

    note: Note
    head: Checkpoint
    stretch: Stretch


@dataclass(frozen=True, slots=True)
class Same:
    """The last one again, perhaps with more cosignatures."""

    note: Note
    head: Checkpoint


@dataclass(frozen=True, slots=True)
class Past:
    """One that was seen before the last."""


@dataclass(frozen=True, slots=True)
class Behind:
    """It begins beyond the last one: the ledger must be asked to go on from there."""


@dataclass(frozen=True, slots=True)
class Forked:
    """Another history than the one that was shown before."""

    head: Checkpoint


@dataclass(frozen=True, slots=True)
class Rewound:
    """A smaller ledger than one that was signed before, and never shown until now."""

    head: Checkpoint


Verdict = Grown | Same | Past | Behind | Forked | Rewound


def judge(announced: Announcement, *, keys: Sequence[NoteKey], last: Checkpoint | None, seen: Roots) -> Verdict:
    """What an announcement is. Raises `AnnouncementError` for what is not the hub's, or does not add up."""
    note, head, stretch = announced.checked()
    if head.origin not in {key.name for key in keys}:
        raise AnnouncementError(f"{head.origin} is not the ledger that belongs here")
    try:
        signed_note.verified(note, keys)
    except NoteError as error:
        raise AnnouncementError(error.problem) from error
    if last is None:
        return Grown(note, head, stretch)
    if head.size <= last.size:
        return _not_larger(note, head, last=last, seen=seen)
    if stretch.first > last.size or (announced.proof is not None and stretch.first < last.size):
        return Behind()
    return Grown(note, head, stretch) if stretch.root(last.size) == last.root else Forked(head)


def _not_larger(note: Note, head: Checkpoint, *, last: Checkpoint, seen: Roots) -> Verdict:
    known = last.root if head.size == last.size else seen(head.size)
    if known is None:
        return Rewound(head)
    if known != head.root:
        return Forked(head)
    return Same(note, head) if head.size == last.size else Past()
