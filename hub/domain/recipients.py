"""Who is to be given a message: the gate run over everyone whom a ground names, and the audiences that need no ground.

Invariants: only `contracts.gate.permit` opens an entry; the publisher is never its own recipient; the result is in the order of unit names, so that
the same decision is always the same bytes.
"""

from collections.abc import Iterable, Iterator

from contracts.catalogue import Audience
from contracts.gate import Permit, permit
from contracts.grants import Recipient
from contracts.grounds import Ground, Opening
from contracts.names import HUB, UnitId
from contracts.referral_table import Role, role_of
from contracts.trust_list import Directory
from hub.domain.decision import Circumstances
from hub.domain.events import Given
from hub.domain.referral import Referral
from hub.domain.support_path import Entry, SupportPath


def units_named(recipient: Recipient, directory: Directory) -> frozenset[UnitId]:
    """The units behind a grant's recipient: one, or all of a class."""
    kind, _, name = recipient.partition(":")
    if kind == "unit":
        return frozenset({UnitId(name)})
    return directory.by_role.get(name, frozenset())


def candidates(path: SupportPath, directory: Directory) -> set[UnitId]:
    """Everyone whom some ground of the path names: nobody else can be permitted anything."""
    names = {opening.recipient for ground in path.grounds.values() for opening in ground.openings}
    return {unit for name in names for unit in units_named(name, directory)}


def permitted(path: SupportPath, entry: Entry, unit: UnitId, now: Circumstances) -> Permit | None:
    """Whether a ground permits that `unit` is given `entry`, judged now."""
    publisher = entry.author
    if publisher == HUB and entry.referral_id is not None:
        publisher = path.referrals[entry.referral_id].parties.source
    verdict = permit(
        path.grounds,
        now.directory.mandates,
        path.restrictions,
        publisher=now.directory.party(publisher, now.at),
        recipient=now.directory.party(unit, now.at),
        purpose=entry.purpose,
        category=entry.category,
        occurred=entry.occurred,
        at=now.at,
    )
    return verdict if isinstance(verdict, Permit) else None


def grounded(path: SupportPath, entry: Entry, now: Circumstances) -> tuple[Given, ...]:
    """Everyone whom a ground permits to receive the entry."""
    found = []
    for unit in sorted(candidates(path, now.directory)):
        if unit == entry.author:
            continue
        verdict = permitted(path, entry, unit, now)
        if verdict is not None:
            found.append(Given.made(unit=unit, ground=verdict.ground_id))
    return tuple(found)


def riding(path: SupportPath, entry: Entry, referral: Referral, now: Circumstances) -> Given | None:
    """The other party of a referral, which rides on the ground of `referral.sent` while that is active."""
    role = role_of(entry.author, referral.parties)
    other = {Role.SOURCE: referral.parties.target, Role.TARGET: referral.parties.source}.get(role)
    if other is None or not now.directory.party(other, now.at).admitted:
        return None
    if referral.signposting:
        return Given(unit=other)
    if referral.ground_id is None:
        return None
    ground = path.grounds.get(referral.ground_id)
    if ground is None or not _rides(ground, referral, now):
        return None
    return Given(unit=other, ground=ground.ground_id)


def _rides(ground: Ground, referral: Referral, now: Circumstances) -> bool:
    """True while the ground is active and still names the target for the referral's category and purpose."""
    return ground.active(now.at) and any(
        referral.category in opening.categories
        and opening.purpose is referral.purpose
        and now.at < opening.until
        and referral.parties.target in units_named(opening.recipient, now.directory)
        for opening in ground.openings
    )


def sharing_goes_on(path: SupportPath, referral: Referral, now: Circumstances) -> bool:
    """True while the referral's own ground, or another one, lets its source reach its target."""
    if referral.parties.target is None or referral.ground_id is None:
        return True
    ground = path.grounds.get(referral.ground_id)
    return ground is not None and _rides(ground, referral, now)


def referral_audience(path: SupportPath, entry: Entry, referral: Referral, now: Circumstances) -> tuple[Given, ...]:
    """Source and target, and for a status also everyone whom a ground permits for the category."""
    parties: dict[UnitId, Given] = {}
    if entry.author == HUB:
        parties = {unit: Given(unit=unit, ground=referral.ground_id) for unit in referral.counterpart}
    other = riding(path, entry, referral, now)
    if other is not None:
        parties[other.unit] = other
    if entry.audience is Audience.REFERRAL_PARTIES:
        return _sorted(parties.values())
    return _sorted((parties | {given.unit: given for given in grounded(path, entry, now)}).values())


def still_given(path: SupportPath, entry: Entry, unit: UnitId, now: Circumstances) -> bool:
    """Whether a recorded recipient may still be given the entry, judged at the head: the gate that dispatch runs again."""
    if erased(path, entry):
        return False
    if entry.audience is Audience.GROUNDED:
        return permitted(path, entry, unit, now) is not None
    referral = path.referrals.get(entry.referral_id) if entry.referral_id is not None else None
    if referral is None:
        return permitted(path, entry, unit, now) is not None
    return any(given.unit == unit for given in referral_audience(path, entry, referral, now))


def erased(path: SupportPath, entry: Entry) -> bool:
    """Whether the client had it erased: nobody is given it again, whatever ground there is."""
    return any(erasure.covers(entry) for erasure in path.erasures)


def ground_parties(grounds: Iterable[Ground], directory: Directory) -> frozenset[UnitId]:
    """Collector, sources and recipients of grounds."""
    return frozenset(
        unit
        for ground in grounds
        for unit in (ground.collector, *(one for opening in ground.openings for one in _parties(opening, directory)))
    )


def _parties(opening: Opening, directory: Directory) -> Iterator[UnitId]:
    yield from opening.sources
    yield from units_named(opening.recipient, directory)


def without_ground(units: Iterable[UnitId], author: UnitId, now: Circumstances) -> tuple[Given, ...]:
    """Parties that learn of a message because it concerns them, not because a ground opens it."""
    return _sorted(Given(unit=unit) for unit in units if unit != author and now.directory.party(unit, now.at).admitted)


def _sorted(given: Iterable[Given]) -> tuple[Given, ...]:
    return tuple(sorted(given, key=lambda one: one.unit))
