"""Who got at a client's data as far as this unit knows: looks here, and what was given to it.

Invariants: what each look shows is what was reported of it; a given entry counts from when it came; of a worker the role shows, never who it was.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from adapters.process.unit_house import UnitHouse
from adapters.reports.collecting import Collected, LookSeen
from contracts.access_view import AccessLine, AccessView
from contracts.names import HUB, UnitId
from contracts.trust_list import Directory
from projections.timeline import Entry


def known_here(house: UnitHouse, found: Collected, *, at: datetime) -> AccessView:
    """All that this unit knows, the oldest first."""
    lines = [*_reads(house, found, at), *_given(house, found)]
    return AccessView(
        programme=house.settings.programme,
        subject=found.subject,
        said_by=house.unit,
        made_at=at.astimezone(UTC),
        lines=tuple(sorted(lines, key=lambda one: (one.logtime, one.receiver_code))),
    )


def name_of(directory: Directory, unit: UnitId) -> str | None:
    """What a unit is called; None for one that is in no list."""
    known = directory.units.get(unit)
    return None if known is None else known.name


def institution_of(directory: Directory, unit: UnitId) -> str | None:
    """What its institution is called."""
    known = directory.units.get(unit)
    named = {one.institution: one.name for one in directory.listed.institutions}
    return None if known is None else named.get(known.institution)


def _reads(house: UnitHouse, found: Collected, at: datetime) -> Iterator[AccessLine]:
    for one in found.looks:
        hidden = one.facts.hidden
        if hidden is None or hidden.until <= at:
            yield _read(house, one)


def _read(house: UnitHouse, one: LookSeen) -> AccessLine:
    facts = one.facts
    return AccessLine(
        logtime=one.entry.time,
        action="R",
        outcome=facts.outcome,
        receiver_code=facts.reader_unit,
        receiver_name=name_of(house.directory, facts.reader_unit),
        institution=institution_of(house.directory, facts.reader_unit),
        role=facts.reader.partition("/")[0],
        system=house.unit,
        purpose=facts.purpose_of_access,
        categories=facts.categories,
        entries=facts.entries,
        ground=facts.ground_id,
        reason=facts.reason if facts.outcome == "refused" else None,
        emergency=None if facts.emergency is None else facts.emergency.reason,
        judged=None if facts.emergency is None else facts.emergency.judged,
    )


def _given(house: UnitHouse, found: Collected) -> Iterator[AccessLine]:
    for entry in (one.entry for one in found.entries if one.entry.kind == "given"):
        if entry.author != HUB:
            yield _came(house, entry, found.arrived[entry.message_id])


def _came(house: UnitHouse, entry: Entry, arrived: datetime) -> AccessLine:
    return AccessLine(
        logtime=arrived,
        action="E",
        outcome="delivered",
        receiver_code=house.unit,
        receiver_name=name_of(house.directory, house.unit),
        institution=institution_of(house.directory, house.unit),
        system=HUB,
        source=entry.author,
        purpose=entry.purpose,
        categories=() if entry.category is None else (entry.category,),
        entries=(entry.message_id,),
        referral=entry.referral_id,
        ground=entry.ground_id,
    )
