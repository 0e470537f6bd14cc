"""Erasure for a client across all institutions: asked for (GDPR Art. 17), or after it was kept long enough (DESIGN sections 7 and 9).

Invariants: what was recorded up to the request is given to nobody any more, replays and back-fills included, whatever ground there is; every
unit that was, or was about to be, given some of it gets a duty naming it; referrals about it end as when sharing ends; an author's own records
stay the author's, under its own law. What is recorded later is judged by grounds alone.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from contracts.codes import RefusalCode
from contracts.envelope import Message
from contracts.messages.erasure import ErasureCarriedOut, ErasureRequested, RetentionEnded
from contracts.names import HUB, UnitId
from hub.domain.closing import Because, duties_for, ended_referrals, holders
from hub.domain.decision import Accepted, Circumstances, Decision, Refused
from hub.domain.recipients import erased, ground_parties, without_ground
from hub.domain.support_path import Entry, Erasure, SupportPath, erasure_of

_EVER: Final = timedelta(microseconds=1)


def decide(
    path: SupportPath,
    message: Message,
    facts: ErasureRequested | RetentionEnded | ErasureCarriedOut,
    now: Circumstances,
) -> Decision:
    """Decide an erasure.* or retention.* message."""
    match facts:
        case ErasureCarriedOut():
            return _carried_out(path, message, facts, now)
        case ErasureRequested() if not _concerned(path, message.unit, now):
            reason = "only a unit that works with this client, or shares about them, may ask"
            return Refused(RefusalCode.NOT_ENTITLED, reason)
        case RetentionEnded() if not _kept_long_enough(facts, now):
            return Refused(RefusalCode.NOT_ENTITLED, "the programme keeps this category for longer")
    asked = isinstance(facts, ErasureRequested)
    erasure = erasure_of(message, facts, now.position)
    after = path._replace(erasures=(*path.erasures, erasure))
    because: Because = "erasure" if asked else "retention"
    opened, timers = duties_for(after, _held(path, erasure, now), ground_id=None, because=because, now=now)
    # a referral that runs goes on when old entries go: what is recorded of it from now on is new
    ended = tuple(ended_referrals(after, now, of=erasure.categories)) if asked else ()
    return Accepted(follow_ups=(*ended, *opened), timers=timers, closes=True)


def _kept_long_enough(facts: RetentionEnded, now: Circumstances) -> bool:
    days = now.settings.retention.get(facts.category)
    return days is not None and facts.recorded_before <= now.at - timedelta(days=days)


def _concerned(path: SupportPath, unit: UnitId, now: Circumstances) -> bool:
    shared = any(unit == entry.author or unit in entry.recipients for entry in path.entries.values())
    return shared or unit in path.enrolled or unit in ground_parties(path.grounds.values(), now.directory)


def _held(path: SupportPath, erasure: Erasure, now: Circumstances) -> dict[UnitId, list[Entry]]:
    """What each unit was, or was about to be, given of what is erased now and was not before."""
    opened = _as_ever_opened(path, now)
    found: dict[UnitId, list[Entry]] = {}
    for entry in path.entries.values():
        if erasure.covers(entry) and not erased(path, entry):
            for unit in holders(entry, opened, now):
                found.setdefault(unit, []).append(entry)
    return found


def _as_ever_opened(path: SupportPath, now: Circumstances) -> SupportPath:
    """The state in which every ground opens all that it opened when it was last there: what ended is held until it was erased."""
    grounds = {
        name: replace(
            ground,
            ended_at=None,
            openings=tuple(replace(one, until=max(one.until, now.at + _EVER)) for one in ground.openings),
        )
        for name, ground in path.grounds.items()
    }
    return path._replace(restrictions=(), grounds=grounds)


def _carried_out(path: SupportPath, message: Message, facts: ErasureCarriedOut, now: Circumstances) -> Decision:
    """Who asked, who was told to erase, and who wrote it learn that it was done: from here on an author seals under new keys."""
    asked = next((one for one in path.erasures if one.message_id == facts.request_id), None)
    if asked is None:
        return Refused(RefusalCode.UNKNOWN_ENTRY, "nobody asked for this erasure")
    about = [entry for entry in path.entries.values() if asked.covers(entry)]
    told = {holder for entry in about for holder in entry.recipients} | {entry.author for entry in about}
    return Accepted(recipients=without_ground({asked.unit, *told} - {HUB}, message.unit, now))
