"""The consent gate: whether one unit may be given one entry of another, and under which ground (DESIGN section 7).

Invariants: pure; the same function at hub, adapter, key service and audit; what no active ground covers is denied; `conduct` is never permitted under
a consent and never to a unit that can sanction; `eligibility` and `control` only under a statutory ground within a mandate of the trust list.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from contracts.categories import CONSENT_PURPOSES, CRIMINAL, SPECIAL, Category, Purpose
from contracts.codes import DenialReason
from contracts.grants import to_class, to_unit
from contracts.grounds import Ground, Grounds, Opening
from contracts.names import GroundId, UnitId

GATE_VERSION: Final = 1
"""Raised when the same input may be judged otherwise than before; recorded with every decision."""

RELEASE: Final = "release-from-secrecy"
_ART_9_MANDATE: Final = frozenset({"A9-2-b", "A9-2-g"})
_ART_10_MANDATE: Final = "A10"


@dataclass(frozen=True, slots=True)
class Party:
    """A unit as the trust list describes it, as far as the gate needs it."""

    unit: UnitId
    roles: frozenset[str] = frozenset()
    """Classes that a grant may name (`labour-office`, `training-provider` …)."""
    bound_by_secrecy: bool = False
    can_sanction: bool = False
    admitted: bool = True


@dataclass(frozen=True, slots=True)
class Mandate:
    """What the law lets a unit register grounds for: bases, purposes, categories, sources (none named: any)."""

    unit: UnitId
    bases: frozenset[str]
    purposes: frozenset[Purpose]
    categories: frozenset[Category]
    sources: frozenset[UnitId] = frozenset()
    lifts_secrecy: bool = False
    """True where the statute replaces the release from secrecy."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """Processing restricted by a unit (GDPR Art. 18): of these categories, or of all where none is named."""

    author: UnitId
    categories: frozenset[Category] = frozenset()


@dataclass(frozen=True, slots=True)
class Permit:
    """Permitted, under this ground."""

    ground_id: GroundId


@dataclass(frozen=True, slots=True)
class Denied:
    """Denied; the reason is the one of the ground that came closest."""

    reason: DenialReason


_CLOSENESS: Final = {reason: rank for rank, reason in enumerate(DenialReason)}


def permit(  # noqa: PLR0913 - the gate's signature is the agreed design's (section 7)
    grounds: Grounds,
    mandates: Iterable[Mandate],
    restrictions: Collection[Restriction],
    *,
    publisher: Party,
    recipient: Party,
    purpose: Purpose,
    category: Category,
    occurred: datetime,
    at: datetime,
) -> Permit | Denied:
    """May `recipient` be given an entry of `publisher`, of `category`, that happened at `occurred`, judged at `at`?"""
    if category is Category.CONDUCT:
        return Denied(DenialReason.CONDUCT_NEVER_SHARED)
    if not recipient.admitted or recipient.unit == publisher.unit:
        return Denied(DenialReason.RECIPIENT_NOT_ADMITTED)
    if restrictions and any(not one.categories or category in one.categories for one in restrictions):
        return Denied(DenialReason.RESTRICTED)
    names = _names(recipient.unit, recipient.roles)
    closest = DenialReason.NO_GRANT
    held = tuple(mandates)
    for ground in grounds.values():
        for opening in ground.openings:
            if opening.recipient not in names or opening.purpose is not purpose or category not in opening.categories:
                continue
            fault = _fault(ground, opening, held, publisher=publisher, category=category, occurred=occurred, at=at)
            if fault is None:
                return Permit(ground.ground_id)
            closest = max(closest, fault, key=_CLOSENESS.__getitem__)
    return Denied(closest)


@lru_cache(maxsize=4096)  # of the same few units
def _names(unit: UnitId, roles: frozenset[str]) -> frozenset[str]:
    return frozenset({to_unit(unit), *(to_class(role) for role in roles)})


def _fault(  # noqa: PLR0911, PLR0913 - one line a lock of section 7, in its order
    ground: Ground,
    opening: Opening,
    mandates: Collection[Mandate],
    *,
    publisher: Party,
    category: Category,
    occurred: datetime,
    at: datetime,
) -> DenialReason | None:
    if publisher.unit not in opening.sources:
        return DenialReason.NO_GRANT
    if not ground.active(at) or at >= opening.until:
        return DenialReason.EXPIRED
    if not ground.opens_entries_of(publisher.unit):
        return DenialReason.NOT_ATTESTED
    if occurred < opening.history_from:
        return DenialReason.BEFORE_HISTORY
    if ground.statutory:
        return _mandate_fault(ground, opening, mandates, publisher=publisher, category=category)
    if opening.purpose not in CONSENT_PURPOSES:
        return DenialReason.OUTSIDE_MANDATE
    if publisher.bound_by_secrecy and RELEASE not in ground.paper:
        return DenialReason.NO_RELEASE_FROM_SECRECY
    if category in SPECIAL and not ground.explicit:
        return DenialReason.SPECIAL_NEEDS_EXPLICIT_CONSENT
    if category in CRIMINAL:
        return DenialReason.CRIMINAL_NEEDS_MANDATE
    return None


def _mandate_fault(
    ground: Ground, opening: Opening, mandates: Collection[Mandate], *, publisher: Party, category: Category
) -> DenialReason | None:
    if category in SPECIAL and not ground.basis & _ART_9_MANDATE:
        return DenialReason.SPECIAL_NEEDS_EXPLICIT_CONSENT
    if category in CRIMINAL and _ART_10_MANDATE not in ground.basis:
        return DenialReason.CRIMINAL_NEEDS_MANDATE
    fitting = [one for one in mandates if covers(one, ground, opening, source=publisher.unit, category=category)]
    if not fitting:
        return DenialReason.OUTSIDE_MANDATE
    if publisher.bound_by_secrecy and not any(one.lifts_secrecy for one in fitting):
        return DenialReason.NO_RELEASE_FROM_SECRECY
    return None


def covers(mandate: Mandate, ground: Ground, opening: Opening, *, source: UnitId, category: Category) -> bool:
    """True where a mandate of the trust list carries this part of a statutory ground."""
    return (
        mandate.unit == ground.collector
        and ground.basis <= mandate.bases
        and opening.purpose in mandate.purposes
        and category in mandate.categories
        and (not mandate.sources or source in mandate.sources)
    )
