"""What changed for whom between two moments: reasons to share, who could see what, referrals, duties, restrictions. Pure.

Invariants: both ends are replays, so what ran out by itself is a change as what was withdrawn is; what began and ended in between is none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeVar

from contracts.categories import Category
from contracts.names import GroundId, MessageId, ObligationId, RecordKey, ReferralId, UnitId
from contracts.referral_table import ReferralState
from hub.audit.history import History, UnknownSubjectError
from hub.audit.replay import Replayed, replay_history
from hub.domain.support_path import Obligation

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class GroundChange(StrEnum):
    """What became of a reason to share."""

    BEGAN = "began"
    ENDED = "ended"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class ChangedGround:
    """A reason to share that came into force, ran out or was ended, or opens something else now."""

    ground_id: GroundId
    collector: UnitId
    change: GroundChange


@dataclass(frozen=True, slots=True)
class ChangedSight:
    """An entry that a unit could not see before and can now, or the other way round."""

    unit: UnitId
    message_id: MessageId
    author: UnitId
    category: Category
    gained: bool


@dataclass(frozen=True, slots=True)
class MovedReferral:
    """A referral in another state; `before` is None for a new one."""

    referral_id: ReferralId
    source: UnitId
    target: UnitId | None
    before: ReferralState | None
    after: ReferralState


Duty = Literal["open", "overdue", "answered"]


@dataclass(frozen=True, slots=True)
class ChangedDuty:
    """A duty to erase that was given, became overdue or was answered; `before` is None for a new one."""

    obligation_id: ObligationId
    unit: UnitId
    before: Duty | None
    after: Duty


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed about one subject."""

    subject: RecordKey
    since: datetime
    until: datetime
    grounds: tuple[ChangedGround, ...]
    sight: tuple[ChangedSight, ...]
    referrals: tuple[MovedReferral, ...]
    obligations: tuple[ChangedDuty, ...]
    restricted_by: tuple[tuple[UnitId, bool], ...]
    """Units that restricted sharing (True) or lifted it."""
    looks: int
    """Reported reads and attempts in between."""

    @property
    def empty(self) -> bool:
        """Nothing changed, and nobody looked."""
        changed = (self.grounds, self.sight, self.referrals, self.obligations, self.restricted_by)
        return not any(changed) and not self.looks


def difference(history: History, since: datetime, until: datetime) -> Difference:
    """What changed about a subject from `since` to `until`; nothing, where the log does not know it by then."""
    before, after = _replayed(history, since), _replayed(history, until)
    return Difference(
        subject=history.key,
        since=since,
        until=until,
        grounds=tuple(_grounds(before, after)),
        sight=tuple(_sight(before, after)),
        referrals=tuple(_referrals(before, after)),
        obligations=tuple(_duties(before, after)),
        restricted_by=tuple(_restricted(before, after)),
        looks=len(after.looks if after else ()) - len(before.looks if before else ()),
    )


def differences(histories: Iterable[History], since: datetime, until: datetime) -> Iterator[Difference]:
    """The same of many, those without a change left out."""
    for history in histories:
        found = difference(history, since, until)
        if not found.empty:
            yield found


def _replayed(history: History, at: datetime) -> Replayed | None:
    try:
        return replay_history(history, at)
    except UnknownSubjectError:
        return None


def _grounds(before: Replayed | None, after: Replayed | None) -> Iterator[ChangedGround]:
    def in_force(found: Replayed) -> Mapping[GroundId, tuple[UnitId, frozenset[object]]]:
        return {
            one.ground_id: (one.collector, frozenset(opening for opening in one.openings if found.at < opening.until))
            for one, force in found.grounds
            if force
        }

    for name, was, now in _changes(before, after, in_force):
        collector = (now or was or _NOBODY)[0]
        change = GroundChange.BEGAN if was is None else GroundChange.ENDED if now is None else GroundChange.CHANGED
        yield ChangedGround(name, collector, change)


def _sight(before: Replayed | None, after: Replayed | None) -> Iterator[ChangedSight]:
    def open_to(found: Replayed) -> Mapping[tuple[int, UnitId], tuple[MessageId, UnitId, Category]]:
        return {
            (entry.position, seen.unit): (entry.message_id, entry.author, entry.category)
            for entry in found.entries
            for seen in entry.seen
            if seen.permitted_now
        }

    for (_, unit), was, now in _changes(before, after, open_to):
        for name, author, category in [one for one in (now or was,) if one]:
            yield ChangedSight(unit, name, author, category, gained=now is not None)


def _referrals(before: Replayed | None, after: Replayed | None) -> Iterator[MovedReferral]:
    def states(found: Replayed) -> Mapping[ReferralId, tuple[UnitId, UnitId | None, ReferralState]]:
        return {one.referral_id: (one.parties.source, one.parties.target, one.state) for one in found.referrals}

    for name, was, now in _changes(before, after, states):
        if now is not None:
            yield MovedReferral(name, now[0], now[1], None if was is None else was[2], now[2])


def _duties(before: Replayed | None, after: Replayed | None) -> Iterator[ChangedDuty]:
    def states(found: Replayed) -> Mapping[ObligationId, tuple[UnitId, Duty]]:
        return {one.obligation_id: (one.unit, _duty(one)) for one in found.obligations}

    for name, was, now in _changes(before, after, states):
        if now is not None:
            yield ChangedDuty(name, now[0], None if was is None else was[1], now[1])


def _duty(one: Obligation) -> Duty:
    if not one.open:
        return "answered"
    return "overdue" if one.overdue else "open"


def _restricted(before: Replayed | None, after: Replayed | None) -> Iterator[tuple[UnitId, bool]]:
    def authors(found: Replayed) -> Mapping[UnitId, bool]:
        return {one.author: True for one in found.restrictions}

    for unit, _, now in _changes(before, after, authors):
        yield unit, now is not None


_NOBODY: tuple[UnitId, frozenset[object]] = (UnitId(""), frozenset())


def _changes(
    before: Replayed | None, after: Replayed | None, look: Callable[[Replayed], Mapping[_Key, _Value]]
) -> Iterator[tuple[_Key, _Value | None, _Value | None]]:
    """Of each key whose value differs: before and after, None where there is none."""
    was: Mapping[_Key, _Value] = {} if before is None else look(before)
    now: Mapping[_Key, _Value] = {} if after is None else look(after)
    for key in dict.fromkeys((*was, *now)):
        if was.get(key) != now.get(key):
            yield key, was.get(key), now.get(key)
