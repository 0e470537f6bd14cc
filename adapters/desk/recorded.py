"""What became of a draft, as the one who recorded it is told.

Invariant: a draft is never lost: it is `waiting` in the outbox, `held` here until a ground appears, or `refused` into quarantine.
"""

from enum import StrEnum
from typing import NamedTuple

from contracts.names import MessageId


class RecordedState(StrEnum):
    """Where the draft went."""

    WAITING = "waiting"
    HELD = "held"
    REFUSED = "refused"


class Recorded(NamedTuple):
    """The answer to one draft."""

    message_id: MessageId | None
    """None where it was refused before it became a message."""
    state: RecordedState
    reason: str | None = None
    """Why it is held or refused: a code."""
    explanation: str | None = None
    """The same for a person."""
    repeated: bool = False
    """The same row was recorded before: nothing new was made."""
    quarantine: int | None = None
    """The number under which a refused draft is kept."""
