"""Followers that keep exports right: one that writes a folder or workbook anew when something changed, one that takes out what was erased.

Invariants: the second runs always, also for files that nobody keeps up to date any more; a file that is held fast (open in Excel) stops it alone,
with advice in health, and is cut once it is closed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.followers.exporting import export_tables, purge
from adapters.followers.follower import Outcome, nothing_to_keep
from adapters.process.looks import Look
from adapters.process.unit_house import UnitHouse
from adapters.words import Words
from contracts.names import ActorId
from projections.source import JournalItem

READER: Final = ActorId("system/export")
"""Who looks, where the adapter itself keeps a file up to date."""
_LONGEST: Final = 100
_SHARE: Final = 20
_LONGEST_REST: Final = 30.0
_TOGETHER: Final = 0.5


@dataclass(frozen=True, slots=True)
class KeptExport:
    """Keeps one place up to date."""

    house: UnitHouse
    place: Path
    from_now: bool = False

    @property
    def name(self) -> str:
        """By the place."""
        return f"export/{self.place.as_posix()[-_LONGEST:]}"

    def take(self, items: Sequence[JournalItem]) -> Outcome:
        """Something changed: write everything anew. What the unit reports of its own looks changes nothing."""
        if any(_shows(one) for one in items):
            export_tables(self.house, self.place, look=Look(READER), words=Words(self.house.settings.language))
        return nothing_to_keep

    def rest_after(self, seconds: float) -> float:
        """At most a twentieth of the time goes into writing, and changes of half a minute are taken together at the latest."""
        return min(_SHARE * seconds, _LONGEST_REST)


@dataclass(frozen=True, slots=True)
class ErasedFromExports:
    """Takes erased entries out of all copies."""

    house: UnitHouse
    name: str = "exports-erased"
    from_now: bool = False

    def take(self, items: Sequence[JournalItem]) -> Outcome:
        """Cut what was erased."""
        erased = [one.message_id for one in items if one.kind == "erased"]
        if erased:
            purge(self.house, erased)
        return nothing_to_keep

    def rest_after(self, seconds: float) -> float:
        """Erasures are rare, and every entry wakes it: those of half a second are looked at together."""
        return max(seconds, _TOGETHER)


def _shows(item: JournalItem) -> bool:
    return b'"eu.spojka.record.accessed' not in item.payload and item.subject is not None
