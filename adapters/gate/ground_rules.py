"""Consents and statutory grounds, checked before they are signed, so that a mistake shows at the desk and not days later.

Invariants: never stricter than the hub where the two know the same; what this unit cannot know is left to the hub.
"""

from collections.abc import Iterable

from adapters.gate.verdict import Refuses
from contracts.categories import CRIMINAL, SPECIAL
from contracts.codes import RefusalCode
from contracts.facts import Facts
from contracts.gate import covers
from contracts.grants import Grant
from contracts.grounds import Ground, Grounds, opening
from contracts.messages.consent import ConsentAttested, ConsentExtended, ConsentGiven, ConsentNarrowed, ConsentWithdrawn
from contracts.messages.ground import GroundEnded, GroundRegistered
from contracts.names import UnitId
from contracts.trust_list import Directory

_OF_COLLECTOR = (ConsentExtended, ConsentNarrowed)


def fault(grounds: Grounds, facts: Facts, *, own: UnitId, directory: Directory | None) -> Refuses | None:
    """What is wrong with a message about a ground by this unit; None where nothing is."""
    match facts:
        case ConsentGiven():
            return _given_fault(grounds.get(facts.consent_id), facts, own=own, directory=directory)
        case GroundRegistered():
            return _registered_fault(grounds.get(facts.ground_id), facts, own=own, directory=directory)
        case ConsentAttested() | ConsentExtended() | ConsentNarrowed() | ConsentWithdrawn():
            return _change_fault(grounds.get(facts.consent_id), facts, own=own, directory=directory)
        case GroundEnded():
            known = grounds.get(facts.ground_id)
            return _unknown() if known is None else _of_collector(known, own)
        case _:
            return None


def _given_fault(
    known: Ground | None, facts: ConsentGiven, *, own: UnitId, directory: Directory | None
) -> Refuses | None:
    if known is not None and (known.statutory or known.collector != own or known.paper != frozenset(facts.paper)):
        return Refuses(RefusalCode.GROUND_EXISTS, "Another ground has this id: take a new one.")
    if known is not None and known.ended_at is not None:
        return Refuses(RefusalCode.GROUND_ENDED, "This consent has ended: take a new one.")
    return _unknown_unit(facts.grants, directory) or _not_consentable(facts.grants, explicit=facts.explicit)


def _change_fault(
    known: Ground | None,
    facts: ConsentAttested | ConsentExtended | ConsentNarrowed | ConsentWithdrawn,
    *,
    own: UnitId,
    directory: Directory | None,
) -> Refuses | None:
    if known is None:
        return _unknown()
    if known.ended_at is not None:
        return Refuses(RefusalCode.GROUND_ENDED, "This consent has ended: take a new one.")
    if isinstance(facts, ConsentAttested):
        named = any(own in one.sources for one in known.openings)
        return None if named else Refuses(RefusalCode.NOT_ENTITLED, "This consent does not name this unit as a source.")
    if isinstance(facts, _OF_COLLECTOR) and known.collector != own:
        return _of_collector(known, own)
    if isinstance(facts, ConsentExtended):
        return _unknown_unit(facts.grants, directory) or _not_consentable(facts.grants, explicit=known.explicit)
    return None


def _registered_fault(
    known: Ground | None, facts: GroundRegistered, *, own: UnitId, directory: Directory | None
) -> Refuses | None:
    if known is not None:
        return Refuses(RefusalCode.GROUND_EXISTS, "Another ground has this id: take a new one.")
    if directory is None:
        return None
    entry = directory.units.get(own)
    if entry is None or not entry.mandates:
        return Refuses(RefusalCode.NOT_ENTITLED, "The trust list gives this unit no mandate.")
    ground = Ground(facts.ground_id, own, True, frozenset(), frozenset(facts.basis), False, ())  # noqa: FBT003 - positions of a record
    inside = all(_within_mandate(ground, grant, directory) for grant in facts.grants)
    outside = Refuses(RefusalCode.OUTSIDE_MANDATE, "This goes beyond the unit's mandate in the trust list.")
    return _unknown_unit(facts.grants, directory) or (None if inside else outside)


def _within_mandate(ground: Ground, grant: Grant, directory: Directory) -> bool:
    part = opening(grant, grant.until)
    return all(
        any(covers(mandate, ground, part, source=source, category=category) for mandate in directory.mandates)
        for source in grant.sources
        for category in grant.categories
    )


def _unknown_unit(grants: Iterable[Grant], directory: Directory | None) -> Refuses | None:
    if directory is None:
        return None
    for grant in grants:
        named = {UnitId(grant.recipient.removeprefix("unit:"))} if grant.recipient.startswith("unit:") else set()
        lacking = sorted((set(grant.sources) | named) - set(directory.units))
        if lacking:
            return Refuses(RefusalCode.UNKNOWN_UNIT, f"The trust list does not know {', '.join(lacking)}.")
    return None


def _not_consentable(grants: Iterable[Grant], *, explicit: bool) -> Refuses | None:
    named = {category for grant in grants for category in grant.categories}
    if named & CRIMINAL:
        return Refuses(RefusalCode.CATEGORY_NOT_CONSENTABLE, "Criminal records need a mandate; no consent opens them.")
    if named & SPECIAL and not explicit:
        return Refuses(RefusalCode.CATEGORY_NOT_CONSENTABLE, "Health needs an explicit consent.")
    return None


def _unknown() -> Refuses:
    return Refuses(RefusalCode.UNKNOWN_GROUND, "This unit knows no such consent for this client.")


def _of_collector(known: Ground, own: UnitId) -> Refuses | None:
    if known.collector == own:
        return None
    return Refuses(RefusalCode.NOT_ENTITLED, f"Only {known.collector}, which took it, can change it.")
