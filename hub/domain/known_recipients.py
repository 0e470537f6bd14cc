"""Who is given an entry like one before it, found without asking the gate again: what is imported comes many alike.

Invariants: what is found is what `grounded` gives at the same instant, so a memory lives no longer than that. Of an entry the gate looks at author,
category and purpose, and at its time only whether an opened history had begun; of a path at grounds and restrictions; and at the trust list.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from contracts.categories import Category, Purpose
from contracts.gate import Restriction
from contracts.grounds import Grounds
from contracts.names import UnitId
from contracts.trust_list import Directory
from hub.domain.decision import Circumstances
from hub.domain.events import Given
from hub.domain.recipients import grounded
from hub.domain.support_path import Entry, SupportPath


class _Known(NamedTuple):
    grounds: Grounds
    """Kept, so that no other object gets its place in memory."""
    restrictions: Sequence[Restriction]
    since: datetime
    """Every history that the grounds open had begun."""
    directory: Directory
    recipients: tuple[Given, ...]

    def stands(self, path: SupportPath, entry: Entry, now: Circumstances) -> bool:
        """Whether the gate would say the same."""
        same = self.restrictions is path.restrictions and self.directory is now.directory
        return same and entry.occurred >= self.since


class KnownRecipients:
    """For the decisions of one batch, all of one instant."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, UnitId, Category, Purpose], _Known] = {}

    def of(self, path: SupportPath, entry: Entry, now: Circumstances) -> tuple[Given, ...]:
        """As `grounded`, of an entry that belongs to no referral."""
        alike = (id(path.grounds), entry.author, entry.category, entry.purpose)
        known = self._known.get(alike)
        if known is not None and known.stands(path, entry, now):
            return known.recipients
        found = grounded(path, entry, now)
        begun = [opening.history_from for ground in path.grounds.values() for opening in ground.openings]
        if begun and entry.occurred >= (since := max(begun)):
            self._known[alike] = _Known(path.grounds, path.restrictions, since, now.directory, found)
        return found
