"""What a decision is: accepted with all its consequences, or refused with a code.

Invariant: a decision is a value; whatever must follow from it (the hub's own messages, timers) is named in it and written in the same transaction.
What is made with every message is a named tuple: as frozen as the rest, and made in a fifth of the time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from contracts.codes import RefusalCode
from contracts.facts import Facts
from contracts.names import MessageId, SubjectId
from contracts.trust_list import Directory
from hub.domain.events import Backfill, Given
from hub.domain.settings import DecisionSettings

if TYPE_CHECKING:
    from hub.domain.known_recipients import KnownRecipients


class Circumstances(NamedTuple):
    """What a decision rests on besides the path and the message."""

    directory: Directory
    settings: DecisionSettings
    at: datetime
    """The log's time: max(clock, time of the event before)."""
    position: int
    """Where the message will stand in the log if it is accepted."""
    known: "KnownRecipients | None" = None
    """What was found at this instant for entries before; None to ask the gate each time."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A message of the hub's own that follows at once. `name` makes its id: UUIDv5, so that twice is once."""

    name: str
    subject: SubjectId
    facts: Facts
    referral_of: MessageId | None = None


@dataclass(frozen=True, slots=True)
class TimerWish:
    """Something that will be due for this record key. The same (kind, reference, due) is the same timer."""

    kind: str
    reference: str
    due: datetime


class Accepted(NamedTuple):
    """The message stands, is to be given to `recipients`, and this follows."""

    recipients: tuple[Given, ...] = ()
    backfills: tuple[Backfill, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    timers: tuple[TimerWish, ...] = ()
    closes: bool = False
    """Something is shut from here on: what is under way is judged again."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The message does not stand."""

    code: RefusalCode
    reason: str = ""
    advances: bool = True
    last_sequence: int = 0


Decision = Accepted | Refused
