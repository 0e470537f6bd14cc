"""What an audit can find. Pure.

Invariant: a finding names the position, the code and what was found against what should be; nothing of a client's content.
"""

from dataclasses import dataclass
from enum import StrEnum


class FindingCode(StrEnum):
    """Each kind of violation, with what it means."""

    GAP = "gap"
    """Positions do not follow one another: a row was dropped, inserted or moved."""
    ROOT_MISMATCH = "root-mismatch"
    """The rows do not have the root of the signed checkpoint: at least one byte differs."""
    NOT_ACCEPTED = "checkpoint-not-accepted"
    """The checkpoint is not signed, or not witnessed, as the policy asks."""
    SIZE_MISMATCH = "size-mismatch"
    """There are fewer rows than the checkpoint vouches for, or more."""
    UNREADABLE = "unreadable"
    """A stored state is no event of this log."""
    TIME_RAN_BACK = "time-ran-back"
    """An event is older than the one before it."""
    BAD_SIGNATURE = "bad-signature"
    """A message does not bear the signature of a key that its author had at that time."""
    NUMBER = "number"
    """A message's number does not follow the author's last one for this client."""
    WRONG_BASIS = "wrong-basis"
    """The decision was recorded as resting on another trust list, settings or grounds than stood in the log then."""
    NOT_PERMITTED = "not-permitted"
    """The rules, run again, refuse what was accepted."""
    OTHER_RECIPIENTS = "other-recipients"
    """The rules, run again, give it to others than was decided."""
    UNTRUSTED_LIST = "untrusted-list"
    """A trust list that does not follow the one before it, or is not signed by a root key."""

    MISPLACED = "misplaced"
    """A message under another client's key, or in another stream or place of it, than its own."""
    REPEATED = "repeated"
    """An id that was decided before, or a refusal that says so where it was not."""
    MISSING = "missing"
    """Something that had to follow, at once or when it was due, was never said."""
    UNFOUNDED = "unfounded"
    """The hub said something that nothing in the log gave rise to."""
    READ = "read-without-ground"
    """A unit read what was never given to it, what it had said to have erased, or had to erase before."""
    CONTRADICTED = "contradicted"
    """The export does not extend a checkpoint that was seen before, by somebody else, or by the author of a message in it: history was rewritten."""
    ERASED = "erased-without-request"
    """An entry's content is missing, and no recorded erasure covers it."""
    OTHER_OUTLINE = "other-outline"
    """What is to outlive an erasure is not what the message says."""
    INDEX = "index"
    """What an export says of itself differs from what is in it: whoever reads one person's rows alone would be misled."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation."""

    code: FindingCode
    position: int
    detail: str
