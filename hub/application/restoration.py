"""Whether a database was restored from a backup behind the back of whoever worked on it, and what may go on meanwhile (adr/0025). Pure.

Invariants: whoever gives anything remembers, outside of the database, how far the log was; a log that is shorter, or holds something else there, was
restored, until a person said so and its generation was raised; from a restore's beginning to its end nothing is given, whatever is remembered. What
cannot be told apart from a restore is taken for one.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hub.application.ports import HubError


class RestoredError(HubError):
    """The database is older than what was done by it."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the log was: `digest` is the SHA-256 of the last event's stored bytes, empty where there was none."""

    generation: int
    position: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """How the log is now, and what it holds before the position that is asked about."""

    generation: int
    position: int
    coming: int | None
    """The generation of the restore that was begun last, done or not."""
    digest: bytes
    """Of the event before the position that is asked about; empty where there is none."""


class Gate(StrEnum):
    """What may go on."""

    OPEN = "open"
    RESTORED = "restored"
    """Somebody put a backup in place: nothing goes on until `spojka-hub restore begin`."""
    BEGUN = "begun"
    """Intake reads what came since the backup; nothing is given until `spojka-hub restore resume`."""


class Marks(Protocol):
    """Where one process remembers, outside of the database, how far the log was."""

    def read(self) -> Reached | None:
        """What is remembered; None where nothing ever was. Raises `RestoredError` where it does not read."""

    def write(self, reached: Reached) -> None:
        """Remember this instead."""


def gate(remembered: Reached | None, now: Standing, *, published: int = 0) -> Gate:
    """What may go on. `published`: events that a ledger's checkpoint within reach vouches for."""
    if now.coming is not None and now.coming > now.generation:
        return Gate.BEGUN
    if now.position < published:
        return Gate.RESTORED
    if remembered is None or remembered.generation < now.generation:
        return Gate.OPEN
    same = remembered.generation == now.generation and remembered.position <= now.position
    return Gate.OPEN if same and remembered.digest == now.digest else Gate.RESTORED
