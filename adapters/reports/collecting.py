"""What this unit may see of one person now: entries, reasons to share, and looks, as far as it knows of them.

Invariants: entries and looks are what the timeline shows to this reader for this purpose (lease, purpose, corrections, two files of one person);
reasons to share that another unit recorded show only while entries of others do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from adapters.process import looks
from adapters.process.lease import Hidden
from adapters.process.looks import Look
from adapters.process.overviews import Overviews
from adapters.process.unit_house import UnitHouse
from contracts import strict_json
from contracts.gate import Restriction
from contracts.grounds import Ground, Grounds
from contracts.messages.access import RecordAccessed
from contracts.names import MessageId, SubjectId
from projections.corrections import Shown
from projections.grounds import grounds_of, restrictions_of
from projections.one_person import same_person
from projections.timeline import Entry

_LOOK: Final = "eu.spojka.record.accessed.v1"


@dataclass(frozen=True, slots=True)
class LookSeen:
    """One report of a look that this unit made."""

    entry: Entry
    facts: RecordAccessed


@dataclass(frozen=True)
class Collected:
    """All of it."""

    subject: SubjectId
    seen: Sequence[Shown]
    """Everything that shows, the reports of looks included."""
    hidden: Hidden | None
    grounds: Mapping[SubjectId, Grounds]
    restrictions: Mapping[SubjectId, Sequence[Restriction]]
    arrived: Mapping[MessageId, datetime]
    """When each entry of another unit came."""

    @cached_property
    def entries(self) -> Sequence[Shown]:
        """Without the reports of looks."""
        return [one for one in self.seen if one.entry.type != _LOOK]

    @cached_property
    def looks(self) -> Sequence[LookSeen]:
        """The looks that this unit reported, in the order in which they happened."""
        return [
            LookSeen(one.entry, RecordAccessed.model_validate_json(strict_json.canonical(one.entry.facts)))
            for one in self.seen
            if one.entry.type == _LOOK and one.entry.facts is not None
        ]

    @cached_property
    def known_grounds(self) -> Sequence[Ground]:
        """Every reason to share that shows, in the order of their ids."""
        found = {ground.ground_id: ground for grounds in self.grounds.values() for ground in grounds.values()}
        return [found[name] for name in sorted(found)]


def collect(house: UnitHouse, overviews: Overviews, subject: SubjectId, *, look: Look) -> Collected:
    """Read it. Not reported yet: see `looks.report_entries`."""
    seen = looks.together(house, overviews, subject, look=look)
    with overviews.look() as connection:
        sides = same_person(connection, subject)
        every = {side: grounds_of(connection, side) for side in sides}
        restrictions = {side: restrictions_of(connection, side) for side in sides}
    with house.store.read() as tx:
        arrived = {one.message_id: one.recorded_at for side in sides for one in tx.journal.of_subject(side)}
    return Collected(
        subject=subject,
        seen=seen.entries,
        hidden=seen.hidden,
        grounds={side: _shown(house, every[side], seen.hidden) for side in sides},
        restrictions=restrictions,
        arrived=arrived,
    )


def _shown(house: UnitHouse, grounds: Grounds, hidden: Hidden | None) -> Grounds:
    return {name: one for name, one in grounds.items() if hidden is None or one.collector == house.unit}
