"""What the log was told of released keys, to be judged as deliveries are: by whom the entry was decided for. Pure.

Invariants: a key is given only for an entry that is sealed under it, to whom that entry was opened by then, or back to the unit that deposited it; a
part of a log tells of no releases, so nothing is said about them there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from contracts.envelope import Message
from contracts.messages.key import KeyDeposited, KeyReleased
from contracts.names import MessageId, UnitId
from contracts.sealing.content import sealed_under
from contracts.sealing.jwe import JweError
from hub.audit.findings import Finding, FindingCode
from hub.audit.reports import Told


class Released(NamedTuple):
    """One key given to one unit, told like a delivery of the entry."""

    told: Told
    key_id: str
    entry: MessageId


@dataclass(slots=True)
class Releases:
    """All of them, by the position of the entry."""

    _all: dict[int, list[Released]] = field(default_factory=dict)

    def add(self, facts: KeyReleased, *, position: int, at: datetime) -> None:
        """One report."""
        for one in facts.releases:
            told = Told(position, at, one.position, one.unit, given=True)
            self._all.setdefault(one.position, []).append(Released(told, one.key_id, one.message_id))

    def of(self, position: int) -> Iterator[Released]:
        """What was released for the entry at a position."""
        yield from self._all.get(position, ())

    def beyond(self, size: int) -> Iterator[Released]:
        """What was released for entries that the log does not reach."""
        for position in sorted(self._all):
            if position >= size:
                yield from self._all[position]


@dataclass(slots=True)
class NamedKeys:
    """Which key each message of one record key is about: the one under which it is sealed, or the one that it deposits."""

    _named: dict[int, tuple[MessageId, str | None, UnitId | None]] = field(default_factory=dict)

    def decided(self, message: Message, position: int) -> None:
        """Remember a message."""
        if isinstance(message.facts, KeyDeposited):
            self._named[position] = (message.id, message.facts.key_id, message.unit)
        else:
            self._named[position] = (message.id, _key_of(message), None)

    def fault(self, one: Released) -> Iterator[Finding]:
        """A key that the entry does not name, or that was deposited by somebody else."""
        entry, key_id, only = self._named.get(one.told.position, (None, None, None))
        if (entry, key_id) != (one.entry, one.key_id) or only not in {None, one.told.unit}:
            detail = f"{one.told.unit} was given a key for {one.told.position}, which that entry does not name"
            yield Finding(FindingCode.UNFOUNDED, one.told.reported, detail)


def _key_of(message: Message) -> str | None:
    try:
        return sealed_under(message)
    except JweError:
        return None
