"""Whether what a unit reported as read was open to it. Pure.

Invariants: only what the log can know is held against a unit: an entry that was never given to it, that it said it had erased, that it had to erase
by a day that has passed, or that was given for another purpose. Until that day, and where law lets it keep the entry, it may still look. In an
emergency the purpose is not held against it, for as long as the emergency lasted: that is what it opens.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from contracts.envelope import Message
from contracts.messages.access import RecordAccessed
from contracts.messages.obligation import ObligationAnswered
from contracts.names import MessageId, UnitId
from hub.audit.findings import Finding, FindingCode
from hub.domain.decision import Circumstances
from hub.domain.recipients import still_given
from hub.domain.support_path import Entry, SupportPath


@dataclass(slots=True)
class Reads:
    """What units said about what they hold of one record key, to compare with what they read."""

    _erased: dict[tuple[UnitId, MessageId], Message] = field(default_factory=dict)

    def take(self, message: Message, path: SupportPath, now: Circumstances) -> Iterator[Finding]:
        """A message, on the path before it: what it says was erased, or what is wrong with a read that it reports."""
        match message.facts:
            case ObligationAnswered(statement="erased") as facts if facts.obligation_id in path.obligations:
                duty = path.obligations[facts.obligation_id]
                self._erased |= dict.fromkeys(((duty.unit, entry) for entry in duty.entries), message)
            case RecordAccessed(outcome="read") as facts:
                for name in facts.entries:
                    entry = path.entries.get(name)
                    fault = None if entry is None else self._fault(entry, facts, message, path, now)
                    if fault is not None:
                        yield Finding(FindingCode.READ, now.position, f"{facts.reader_unit} read {name}: {fault}")
            case _:
                return

    def _fault(
        self, entry: Entry, facts: RecordAccessed, message: Message, path: SupportPath, now: Circumstances
    ) -> str | None:
        unit = facts.reader_unit
        if unit == entry.author:
            return None
        if facts.emergency is not None and message.time > facts.emergency.until:
            return "the emergency under which it was opened had ended"
        if facts.emergency is None and facts.purpose_of_access is not entry.purpose:
            return f"for {facts.purpose_of_access}, given for {entry.purpose}"
        if still_given(path, entry, unit, now):
            return None
        if unit not in entry.recipients and path.opened_ranges.get((unit, entry.author), -1) < entry.position:
            return "it was never given to it"
        return self._kept(entry, unit, message, path)

    def _kept(self, entry: Entry, unit: UnitId, message: Message, path: SupportPath) -> str | None:
        """Of what was given once, and no ground covers any more."""
        erased = self._erased.get((unit, entry.message_id))
        if erased is not None and erased.time < message.time:
            return "it had said that it erased it"
        duties = (one for one in path.obligations.values() if one.unit == unit and entry.message_id in one.entries)
        if any(one.open and one.due < message.time for one in duties):
            return "it had to be erased before"
        return None
