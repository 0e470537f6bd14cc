"""What must follow from a decision: the hub's own messages at once, its timers when they are due; and nothing that the hub says without a cause.

Invariants: what is expected is worked out from the rules alone, to the byte; what the rules would refuse, or what was said before, is not expected. A
timer is late once the log went on for a day with its moment past: a writer reads its inbox to the end before it lets timers speak.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Final

from contracts.envelope import Message, parse
from contracts.messages.access import RecordAudited
from contracts.messages.hub import DeliveryReported, ReportedDelivery
from contracts.messages.referral import ReferralFacts
from contracts.names import HUB, MessageId, RecordKey, UnitId
from hub.application.hub_voice import composed
from hub.audit.findings import Finding, FindingCode
from hub.audit.places import Ids
from hub.domain.deciding import decide
from hub.domain.decision import Accepted, Circumstances, FollowUp, TimerWish
from hub.domain.events import MessageAccepted
from hub.domain.naming import deterministic_id
from hub.domain.support_path import SupportPath
from hub.domain.timers import fire, name_of

PATIENCE: Final = timedelta(days=1)
Paths = Callable[[RecordKey], SupportPath]


@dataclass(slots=True)
class Consequences:
    """What is still expected. Ask `before` of every event, then tell `after` what was decided."""

    ids: Ids
    paths: Paths
    _next: list[tuple[FollowUp, datetime]] = field(default_factory=list)
    _timers: dict[MessageId, tuple[RecordKey, TimerWish]] = field(default_factory=dict)
    _to_come: list[tuple[datetime, MessageId]] = field(default_factory=list)
    _past: deque[tuple[datetime, MessageId]] = field(default_factory=deque)
    _late: dict[RecordKey, set[MessageId]] = field(default_factory=dict)

    def before(self, event: MessageAccepted | None, message: Message | None, now: Circumstances) -> Iterator[Finding]:
        """What should have come before this event, and whether it has a cause if the hub says it."""
        expected = False
        while self._next and not expected:
            follow_up, at = self._next.pop()
            name, payload = self._said(follow_up, at, now)
            expected = message is not None and message.id == name
            if expected and event is not None and event.message.payload != payload:
                yield Finding(FindingCode.UNFOUNDED, now.position, "the hub said something else than follows")
            elif not expected and self._stands(follow_up, payload, now, at=at):
                yield Finding(FindingCode.MISSING, now.position, f"{type(follow_up.facts).__name__} had to follow here")
        if not expected and event is not None and message is not None and _must_have_a_cause(message):
            yield from self._of_timer(event, message, now)
        yield from self._overdue(now)

    def after(self, key: RecordKey, decision: Accepted, now: Circumstances) -> None:
        """What follows from a decision."""
        self._next += [(one, now.at) for one in reversed(decision.follow_ups)]
        for wish in decision.timers:
            name = deterministic_id(f"{now.directory.listed.programme}/{name_of(key, wish)}")
            self._timers[name] = (key, wish)
            heappush(self._to_come, (wish.due, name))

    def settled(self, key: RecordKey, now: Circumstances) -> None:
        """After the state of a key has moved on: timers that have nothing to say any more are late no longer."""
        for name in tuple(self._late.get(key, ())):
            if self._speaks(name, now) is None:
                self._late[key].discard(name)

    def _of_timer(self, event: MessageAccepted, message: Message, now: Circumstances) -> Iterator[Finding]:
        _, wish = self._timers.get(message.id, (None, None))
        follow_up = None if wish is None or wish.due > now.at else fire(self.paths(event.key), wish, now)
        if follow_up is None or self._said(follow_up, now.at, now)[1] != event.message.payload:
            yield Finding(FindingCode.UNFOUNDED, now.position, f"{message.type} without a cause, or before its time")
        self._timers.pop(message.id, None)

    def _overdue(self, now: Circumstances) -> Iterator[Finding]:
        while self._to_come and self._to_come[0][0] <= now.at:
            _, name = heappop(self._to_come)
            if self._speaks(name, now) is not None:
                self._past.append((now.at, name))
                self._late.setdefault(self._timers[name][0], set()).add(name)
        while self._past and now.at - self._past[0][0] > PATIENCE:
            _, name = self._past.popleft()
            key = self._timers[name][0] if name in self._timers else None
            if key is not None and name in self._late.get(key, ()) and self._speaks(name, now) is not None:
                yield Finding(FindingCode.MISSING, now.position, f"{self._timers[name][1].kind} was due and never said")

    def _speaks(self, name: MessageId, now: Circumstances) -> FollowUp | None:
        if name not in self._timers:
            return None
        key, wish = self._timers[name]
        follow_up = fire(self.paths(key), wish, now)
        if follow_up is None:
            return None
        return follow_up if self._stands(follow_up, self._said(follow_up, now.at, now)[1], now, at=now.at) else None

    def _said(self, follow_up: FollowUp, at: datetime, now: Circumstances) -> tuple[MessageId, bytes]:
        category, purpose = None, None
        if isinstance(follow_up.facts, ReferralFacts):
            referral = self.paths(RecordKey(follow_up.subject)).referrals[follow_up.facts.referral_id]
            category, purpose = referral.category, referral.purpose
        return composed(
            follow_up.facts,
            now.directory.listed.programme,
            name=follow_up.name,
            at=at,
            subject=follow_up.subject,
            category=category,
            purpose=purpose,
        )

    def _stands(self, follow_up: FollowUp, payload: bytes, now: Circumstances, *, at: datetime) -> bool:
        message = parse(payload)
        if self.ids.knows(message.source, message.id):
            return False
        then = Circumstances(now.directory, now.settings, at, now.position)
        return isinstance(decide(self.paths(RecordKey(follow_up.subject)), message, then), Accepted)


def _must_have_a_cause(message: Message) -> bool:
    """What the hub says of a client follows from the log; but that an auditor looked follows from nothing in it."""
    return message.unit == HUB and message.subject is not None and not isinstance(message.facts, RecordAudited)


@dataclass(slots=True)
class Deliveries:
    """Who was to be given what, to compare with what was reported as delivered."""

    paths: Paths
    _given: dict[int, tuple[RecordKey, UnitId, frozenset[UnitId]]] = field(default_factory=dict)
    _same: dict[frozenset[UnitId], frozenset[UnitId]] = field(default_factory=dict)

    def decided(self, event: MessageAccepted, author: UnitId, position: int) -> None:
        """Remember a decision."""
        units = frozenset(one.unit for one in event.recipients)
        self._given[position] = (event.key, author, self._same.setdefault(units, units))

    def reported(self, facts: DeliveryReported, position: int) -> Iterator[Finding]:
        """Deliveries that nothing permitted: neither the decision nor a back-fill, nor as the author's own."""
        for one in facts.deliveries:
            key, author, units = self._given.get(one.position, (None, None, frozenset()))
            if (
                key is None
                or author is None
                or (one.unit not in units | {author} and not self._opened(key, author, one))
            ):
                detail = f"{one.unit} was given {one.position}, which nothing decided"
                yield Finding(FindingCode.UNFOUNDED, position, detail)

    def _opened(self, key: RecordKey, author: UnitId, one: ReportedDelivery) -> bool:
        return self.paths(key).opened_ranges.get((one.unit, author), -1) >= one.position
