"""Consents and statutory grounds: who may give, attest, narrow and withdraw them, and what they open at once (DESIGN section 7).

Invariants: nothing opens entries before its collector (at once) or a named source (by attesting) opens its own; narrowing and withdrawing only ever
shut; every change names its back-fill up to the position before it.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC

from contracts import grounds as ground_state
from contracts.categories import CRIMINAL, SPECIAL, Category
from contracts.codes import RefusalCode
from contracts.envelope import Message
from contracts.gate import covers
from contracts.grants import Grant
from contracts.grounds import Ground, Opening
from contracts.messages.consent import (
    ConsentAttested,
    ConsentExtended,
    ConsentGiven,
    ConsentNarrowed,
    ConsentRefused,
    ConsentWithdrawn,
)
from contracts.messages.ground import GroundEnded, GroundRegistered
from contracts.messages.hub import ConsentExpired, ConsentExpiryAnnounced, GroundExpired
from contracts.names import HUB, GroundId, UnitId
from hub.domain.closing import Because, after_closing
from hub.domain.decision import Accepted, Circumstances, Decision, Refused, TimerWish
from hub.domain.events import Backfill, Given
from hub.domain.recipients import ground_parties, units_named, without_ground
from hub.domain.support_path import SupportPath
from hub.domain.timers import GROUND_UNTIL, notice_before


def decide(path: SupportPath, message: Message, now: Circumstances) -> Decision:  # noqa: PLR0911 - one line a type
    """Decide a consent.* or ground.* message."""
    match facts := message.facts:
        case ConsentGiven():
            return _given(path, message, facts, now)
        case ConsentExtended():
            return _extended(path, message, facts, now)
        case GroundRegistered():
            return _registered(path, message, facts, now)
        case ConsentRefused():
            return Accepted()
        case ConsentAttested():
            return _attested(path, message, facts, now)
        case ConsentExpiryAnnounced():
            return _announced(path, message, facts, now)
        case ConsentNarrowed() | ConsentWithdrawn() | ConsentExpired():
            return _closed(path, message, facts.consent_id, now)
        case GroundEnded() | GroundExpired():
            return _closed(path, message, facts.ground_id, now)
        case _:
            return Refused(RefusalCode.UNKNOWN_TYPE, "no rule for this type")


def _given(path: SupportPath, message: Message, facts: ConsentGiven, now: Circumstances) -> Decision:
    fault = _unknown_unit(facts.grants, now) or _not_consentable(facts.grants, explicit=facts.explicit)
    if fault is not None:
        return fault
    known = path.grounds.get(facts.consent_id)
    if known is not None and (
        known.collector != message.unit or known.statutory or known.paper != frozenset(facts.paper)
    ):
        return Refused(RefusalCode.GROUND_EXISTS, "this id belongs to another consent: take a new one")
    if known is not None and known.ended_at is not None:
        return Refused(RefusalCode.GROUND_ENDED, "the consent has ended: take a new one")
    return _opened(path, message, facts.consent_id, facts.grants, now)


def _extended(path: SupportPath, message: Message, facts: ConsentExtended, now: Circumstances) -> Decision:
    known = path.grounds.get(facts.consent_id)
    if known is None or known.statutory:
        return Refused(RefusalCode.UNKNOWN_GROUND, "there is no such consent about this client")
    if known.collector != message.unit:
        return Refused(RefusalCode.NOT_ENTITLED, "only the unit that took the consent extends it")
    if known.ended_at is not None:
        return Refused(RefusalCode.GROUND_ENDED, "the consent has ended: take a new one")
    fault = _unknown_unit(facts.grants, now) or _not_consentable(facts.grants, explicit=known.explicit)
    return fault or _opened(path, message, facts.consent_id, facts.grants, now)


def _registered(path: SupportPath, message: Message, facts: GroundRegistered, now: Circumstances) -> Decision:
    fault = _unknown_unit(facts.grants, now)
    if fault is not None:
        return fault
    if facts.ground_id in path.grounds:
        return Refused(RefusalCode.GROUND_EXISTS, "this id belongs to another ground: take a new one")
    after = ground_state.apply(path.grounds, facts, author=message.unit, recorded=now.at)[facts.ground_id]
    if not all(_within_mandate(after, opening, now) for opening in after.openings):
        return Refused(RefusalCode.OUTSIDE_MANDATE, "the trust list gives this unit no mandate for all of it")
    return _opened(path, message, facts.ground_id, facts.grants, now)


def _within_mandate(ground: Ground, opening: Opening, now: Circumstances) -> bool:
    return all(
        any(covers(mandate, ground, opening, source=source, category=category) for mandate in now.directory.mandates)
        for source in opening.sources
        for category in opening.categories
    )


def _opened(
    path: SupportPath, message: Message, ground_id: GroundId, grants: tuple[Grant, ...], now: Circumstances
) -> Accepted:
    after = ground_state.apply(path.grounds, message.facts, author=message.unit, recorded=now.at)
    ground = after[ground_id]
    fresh = tuple(ground_state.opening(grant, now.at) for grant in grants)
    return Accepted(
        recipients=_parties_of(ground, fresh, message.unit, now),
        backfills=tuple(_backfills(path, ground, fresh, sources=None, now=now)),
        timers=tuple(_timers(ground, fresh, now)),
    )


def _timers(ground: Ground, openings: Iterable[Opening], now: Circumstances) -> Iterator[TimerWish]:
    """The end of each opening, and of a consent the notice before it: what a law opens nobody can be asked to renew.

    In UTC, so that one instant is one timer whatever offset it was written with.
    """
    for until in sorted({one.until.astimezone(UTC) for one in openings}):
        yield TimerWish(GROUND_UNTIL, ground.ground_id, until)
        notice = None if ground.statutory else notice_before(ground.ground_id, until, now)
        if notice is not None:
            yield notice


def _announced(path: SupportPath, message: Message, facts: ConsentExpiryAnnounced, now: Circumstances) -> Decision:
    """Whom the notice concerns: collector, sources and recipients of what ends then, and nobody else."""
    known = path.grounds.get(facts.consent_id)
    if known is None:
        return Refused(RefusalCode.UNKNOWN_GROUND, "there is no such consent about this client")
    ending = [one for one in known.openings if one.until == facts.until and not ground_state.renewed(one, known)]
    return Accepted(recipients=_parties_of(known, ending, message.unit, now))


def _parties_of(ground: Ground, openings: Iterable[Opening], author: UnitId, now: Circumstances) -> tuple[Given, ...]:
    """Collector, sources and recipients of these openings only: no recipient learns of the others."""
    part = ground_state.Ground(
        ground_id=ground.ground_id,
        collector=ground.collector,
        statutory=ground.statutory,
        paper=ground.paper,
        basis=ground.basis,
        explicit=ground.explicit,
        openings=tuple(openings),
    )
    return without_ground(ground_parties([part], now.directory), author, now)


def _attested(path: SupportPath, message: Message, facts: ConsentAttested, now: Circumstances) -> Decision:
    known = path.grounds.get(facts.consent_id)
    if known is None or known.statutory:
        return Refused(RefusalCode.UNKNOWN_GROUND, "there is no such consent about this client")
    if not known.active(now.at):
        return Refused(RefusalCode.GROUND_ENDED, "the consent has ended")
    naming = tuple(opening for opening in known.openings if message.unit in opening.sources)
    if not naming:
        return Refused(RefusalCode.NOT_ENTITLED, "only a unit that the consent names as a source attests it")
    return Accepted(
        recipients=_parties_of(known, naming, message.unit, now),
        backfills=tuple(_backfills(path, known, naming, sources=frozenset({message.unit}), now=now)),
    )


def _backfills(
    path: SupportPath,
    ground: Ground,
    openings: Iterable[Opening],
    *,
    sources: frozenset[UnitId] | None,
    now: Circumstances,
) -> Iterator[Backfill]:
    """Ranges that these openings open now: of `sources`, or (None) of whoever the ground opens at once."""
    authors = {entry.author for entry in path.entries.values()}
    wanted = set()
    for opening in openings:
        for source in opening.sources & authors:
            if source in sources if sources is not None else ground.opens_entries_of(source):
                wanted |= {(unit, source) for unit in units_named(opening.recipient, now.directory) if unit != source}
    for unit, source in sorted(wanted):
        yield Backfill(unit=unit, ground=ground.ground_id, source=source, through=now.position - 1)


def _closed(path: SupportPath, message: Message, ground_id: GroundId, now: Circumstances) -> Decision:
    known = path.grounds.get(ground_id)
    if known is None:
        return Refused(RefusalCode.UNKNOWN_GROUND, "there is no such consent or ground about this client")
    if known.ended_at is not None:
        return Refused(RefusalCode.GROUND_ENDED, "it has ended already")
    if not _may_close(path, message, known, now):
        return Refused(
            RefusalCode.NOT_ENTITLED, "only its collector, or for a withdrawal a unit where the client is enrolled"
        )
    because = _because(message)
    facts = message.facts
    openings = known.openings
    if isinstance(facts, ConsentNarrowed):
        openings = tuple(one for one in known.openings if one.recipient == facts.recipient)
        if not openings:
            return Refused(RefusalCode.UNKNOWN_GROUND, "the consent opens nothing to this recipient")
    if isinstance(facts, GroundExpired):
        openings = tuple(one for one in known.openings if one.until == facts.due)
    after = _after(path, message, now)
    follow_ups, timers = after_closing(after, ground_id, because, now, before=path)
    return Accepted(
        recipients=_parties_of(known, openings, message.unit, now), follow_ups=follow_ups, timers=timers, closes=True
    )


def _after(path: SupportPath, message: Message, now: Circumstances) -> SupportPath:
    return path._replace(grounds=ground_state.apply(path.grounds, message.facts, author=message.unit, recorded=now.at))


def _may_close(path: SupportPath, message: Message, ground: Ground, now: Circumstances) -> bool:
    if message.unit in (HUB, ground.collector):
        return True
    if not isinstance(message.facts, ConsentWithdrawn):
        return False
    return message.unit in path.enrolled or message.unit in ground_parties([ground], now.directory)


def _because(message: Message) -> Because:
    match message.facts:
        case ConsentNarrowed():
            return "narrowed"
        case ConsentExpired() | GroundExpired():
            return "expired"
        case GroundEnded():
            return "ended"
        case _:
            return "withdrawn"


def _unknown_unit(grants: Iterable[Grant], now: Circumstances) -> Refused | None:
    for grant in grants:
        named = {UnitId(grant.recipient.removeprefix("unit:"))} if grant.recipient.startswith("unit:") else set()
        unknown = sorted((set(grant.sources) | named) - set(now.directory.units))
        if unknown:
            return Refused(RefusalCode.UNKNOWN_UNIT, f"not in the trust list: {', '.join(unknown)}")
    return None


def _not_consentable(grants: Iterable[Grant], *, explicit: bool) -> Refused | None:
    categories = {category for grant in grants for category in grant.categories}
    if categories & CRIMINAL or Category.CONDUCT in categories:
        return Refused(RefusalCode.CATEGORY_NOT_CONSENTABLE, "criminal data need a mandate, conduct is never shared")
    if categories & SPECIAL and not explicit:
        return Refused(
            RefusalCode.CATEGORY_NOT_CONSENTABLE, "special categories need an explicit consent (GDPR Art. 9(2)(a))"
        )
    return None
