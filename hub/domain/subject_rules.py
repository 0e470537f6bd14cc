"""Units that join a person by a pairing code, and subjects that are one person: merged, reviewed, split (DESIGN section 9, decision record 0009).

Invariants: nothing here touches a ground, an entry or a recipient of one, so nothing widens; each side of a merge is decided by its own path alone,
and a unit is told of a side only where a ground in force names it there; what is not open to a unit is refused alike, so no reply tells what exists.
"""

from collections.abc import Iterable
from datetime import timedelta

from contracts.codes import RefusalCode
from contracts.envelope import Message
from contracts.messages.subject import (
    PairingOffered,
    PairingOpened,
    SubjectFacts,
    SubjectMerged,
    SubjectPaired,
    SubjectSplit,
)
from contracts.names import HUB, SubjectId, UnitId
from contracts.pairing import VALID_FOR
from hub.domain.decision import Accepted, Circumstances, Decision, FollowUp, Refused
from hub.domain.recipients import units_named, without_ground
from hub.domain.support_path import SupportPath

_CLOCKS_APART = timedelta(minutes=10)


def decide(path: SupportPath, message: Message, facts: SubjectFacts, now: Circumstances) -> Decision:
    """Decide a subject.* message."""
    match facts:
        case PairingOffered():
            return _offered(path, facts, now)
        case SubjectPaired():
            return _paired(path, message.unit, facts, now)
        case PairingOpened():
            return Accepted(recipients=without_ground([facts.unit], HUB, now))
        case SubjectMerged():
            return _merged(path, message.unit, facts, now)
        case SubjectSplit():
            return _split(path, message.unit, facts, now)
        case _:
            return Refused(RefusalCode.UNKNOWN_TYPE, "no rule for this type")


def _offered(path: SupportPath, facts: PairingOffered, now: Circumstances) -> Decision:
    """A meeting subject is used for one code and for nothing else."""
    if facts.until > now.at + VALID_FOR + _CLOCKS_APART:
        return Refused(RefusalCode.INVALID_DATA, "a pairing code is good for 30 days at most")
    if path.pairing is not None or path.grounds or path.entries:
        return _pairing_not_open()
    return Accepted()


def _paired(path: SupportPath, unit: UnitId, facts: SubjectPaired, now: Circumstances) -> Decision:
    if facts.joined is not None:
        return Accepted(recipients=without_ground([facts.joined], unit, now))
    offer = path.pairing
    if offer is None or offer.taken_by is not None or now.at >= offer.until or offer.issuer == unit:
        return _pairing_not_open()
    opened = PairingOpened(unit=unit, issuer=offer.issuer, wrapped=offer.wrapped)
    follow_up = FollowUp(name=f"pairing/{path.key}/{unit}", subject=SubjectId(path.key), facts=opened)
    return Accepted(recipients=without_ground([offer.issuer], unit, now), follow_ups=(follow_up,))


def _merged(path: SupportPath, unit: UnitId, facts: SubjectMerged, now: Circumstances) -> Decision:
    grounded = _named_in_force(path, now)
    if unit not in grounded:
        return _merge_not_open()
    known = path.merges.get(facts.merge_id)
    if known is None:
        told = without_ground(grounded & set(facts.tell), unit, now)
        if not _elsewhere((one.unit for one in told), unit, now):
            return _merge_not_open()
        return Accepted(recipients=told)
    reviews = unit in known.told and unit != known.proposer and bool(_elsewhere([unit], known.proposer, now))
    if not reviews or known.reviewer is not None or known.split:
        return _merge_not_open()
    return Accepted(recipients=without_ground(grounded & (known.told | {known.proposer}), unit, now))


def _split(path: SupportPath, unit: UnitId, facts: SubjectSplit, now: Circumstances) -> Decision:
    """Whoever was told may undo it, alone, also when the ground has ended since; and everyone who was told hears of it."""
    known = path.merges.get(facts.merge_id)
    if known is None or known.split or unit not in known.told | {known.proposer}:
        return _merge_not_open()
    return Accepted(recipients=without_ground(known.told | {known.proposer}, unit, now))


def _named_in_force(path: SupportPath, now: Circumstances) -> frozenset[UnitId]:
    """Collectors, sources and recipients of what is in force on this path."""
    found: set[UnitId] = set()
    for ground in path.grounds.values():
        openings = [one for one in ground.openings if ground.active(now.at) and now.at < one.until]
        for opening in openings:
            found |= {ground.collector} | opening.sources | units_named(opening.recipient, now.directory)
    return frozenset(found)


def _elsewhere(units: Iterable[UnitId], proposer: UnitId, now: Circumstances) -> list[UnitId]:
    """Those of another institution than the proposer's."""
    listed = now.directory.units
    home = listed[proposer].institution
    return [one for one in units if one in listed and listed[one].institution != home]


def _pairing_not_open() -> Refused:
    return Refused(RefusalCode.PAIRING_NOT_OPEN, "no pairing code is open here: unknown, used or run out")


def _merge_not_open() -> Refused:
    return Refused(RefusalCode.MERGE_NOT_OPEN, "nothing of this is open to this unit")
