"""What follows when sharing ends: obligations for what no ground covers any more, referrals withdrawn or detached (DESIGN section 7).

Invariants: every unit that was, or was about to be, given an entry that nothing covers any more, live or by a back-fill, gets a duty naming it; what
another ground still covers stays; an entry named in an open obligation is not named again; no unit is told of an entry never open to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, Literal

from contracts.catalogue import Audience
from contracts.categories import Category
from contracts.messages.hub import ObligationOpened
from contracts.messages.referral import ReferralDetached, ReferralWithdrawn
from contracts.names import GroundId, ObligationId, SubjectId, UnitId
from contracts.referral_table import RUNNING, UNANSWERED
from hub.domain.decision import Circumstances, FollowUp, TimerWish
from hub.domain.naming import deterministic_id
from hub.domain.recipients import sharing_goes_on, still_given
from hub.domain.support_path import Entry, SupportPath

Because = Literal["withdrawn", "narrowed", "expired", "ended", "restricted", "erasure", "retention"]
_LEAST: Final = timedelta(microseconds=1)
MAX_NAMED: Final = 4000
"""Entries in one obligation; what is beyond gets another."""


def after_closing(
    path: SupportPath, ground_id: GroundId, because: Because, now: Circumstances, *, before: SupportPath
) -> tuple[tuple[FollowUp, ...], tuple[TimerWish, ...]]:
    """The hub's messages and timers after `path` lost what a ground opened. `path` is the state after the closing, `before` the one it ended."""
    uncovered = _uncovered(path, _while_open(before, ground_id, now), now)
    opened, timers = duties_for(path, uncovered, ground_id=ground_id, because=because, now=now)
    return (*ended_referrals(path, now), *opened), timers


def duties_for(
    path: SupportPath,
    held: Mapping[UnitId, Sequence[Entry]],
    *,
    ground_id: GroundId | None,
    because: Because,
    now: Circumstances,
) -> tuple[tuple[FollowUp, ...], tuple[TimerWish, ...]]:
    """A duty for each unit to erase what it holds, in parts that fit into a message, each with its timer."""
    opened, timers = [], []
    for unit, entries in sorted(held.items()):
        for start in range(0, len(entries), MAX_NAMED):
            duty = _obligation(
                path, unit, entries[start : start + MAX_NAMED], ground_id=ground_id, because=because, now=now
            )
            opened.append(duty)
            assert isinstance(duty.facts, ObligationOpened)  # noqa: S101 - made above
            timers.append(TimerWish("obligation-due", duty.facts.obligation_id, duty.facts.due))
    return tuple(opened), tuple(timers)


def _while_open(before: SupportPath, ground_id: GroundId, now: Circumstances) -> SupportPath:
    """The state in which the ground still opened all that it ever did: restrictions and times apart, which end giving but not holding."""
    ground = before.grounds[ground_id]
    openings = tuple(replace(one, until=max(one.until, now.at + _LEAST)) for one in ground.openings)
    return before._replace(restrictions=(), grounds={**before.grounds, ground_id: replace(ground, openings=openings)})


def holders(entry: Entry, opened: SupportPath, now: Circumstances) -> Iterator[UnitId]:
    """Who was to be given an entry when it was accepted, and to whom a back-fill opened it later, by the rule by which dispatch expands it."""
    yield from entry.recipients
    for (unit, source), through in opened.opened_ranges.items():
        in_range = source == entry.author and entry.position <= through and unit not in entry.recipients
        if in_range and still_given(opened, entry, unit, now):
            yield unit


def _uncovered(path: SupportPath, opened: SupportPath, now: Circumstances) -> dict[UnitId, list[Entry]]:
    """What units hold that no ground covers any more. A restriction ends giving, not holding: what it covers is kept and not used (GDPR Art. 18)."""
    named = {(duty.unit, entry) for duty in path.obligations.values() if duty.open for entry in duty.entries}
    covering = path._replace(restrictions=())
    found: dict[UnitId, list[Entry]] = {}
    for entry in path.entries.values():
        if entry.audience is Audience.REFERRAL_PARTIES and entry.referral_id is None:
            continue
        for unit in holders(entry, opened, now):
            if (unit, entry.message_id) not in named and not still_given(covering, entry, unit, now):
                found.setdefault(unit, []).append(entry)
    return found


def _obligation(  # noqa: PLR0913 - the parts of one duty
    path: SupportPath,
    unit: UnitId,
    entries: Sequence[Entry],
    *,
    ground_id: GroundId | None,
    because: Because,
    now: Circumstances,
) -> FollowUp:
    name = f"obligation/{path.key}/{unit}/{ground_id or because}/{now.position}/{entries[0].position}"
    obligation_id = ObligationId(deterministic_id(name))
    facts = ObligationOpened(
        obligation_id=obligation_id,
        unit=unit,
        ground_id=ground_id,
        because=because,
        entries=tuple(entry.message_id for entry in entries),
        categories=tuple(sorted({entry.category for entry in entries})),
        due=now.at + timedelta(days=now.settings.obligation_days),
    )
    return FollowUp(name=name, subject=SubjectId(path.key), facts=facts)


def ended_referrals(
    path: SupportPath, now: Circumstances, *, of: frozenset[Category] | None = None
) -> Iterator[FollowUp]:
    """The end of referrals that no ground carries any more; with `of` also of all of these categories (none named: all)."""
    for referral in path.referrals.values():
        gone = of is not None and (not of or referral.category in of)
        if referral.signposting or (sharing_goes_on(path, referral, now) and not gone):
            continue
        name = f"referral/{path.key}/{referral.referral_id}/sharing-ended/{now.position}"
        if referral.state in UNANSWERED:
            facts = ReferralWithdrawn(referral_id=referral.referral_id, reason="sharing-ended")
            yield FollowUp(name=name, subject=SubjectId(path.key), facts=facts)
        elif referral.state in RUNNING:
            detached = ReferralDetached(referral_id=referral.referral_id)
            yield FollowUp(name=name, subject=SubjectId(path.key), facts=detached)
