"""What must follow from a decision: the hub's own messages at once, its timers when they are due; and nothing that the hub says without a cause.

Invariants: what is expected is worked out from the rules alone, to the byte; what the rules would refuse, or what was said before, is not expected.
All of it concerns one record key, since whatever the hub says of a client follows from that client's path alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from heapq import heappop, heappush
from typing import Final

from contracts.envelope import Message, parse
from contracts.messages.access import RecordAudited
from contracts.messages.erasure import ErasureCarriedOut
from contracts.messages.referral import ReferralFacts
from contracts.names import HUB, MessageId, Source, UnitId
from hub.application.hub_voice import composed
from hub.audit.findings import Finding, FindingCode
from hub.audit.reports import Told
from hub.domain.deciding import decide
from hub.domain.decision import Accepted, Circumstances, FollowUp, TimerWish
from hub.domain.events import MessageAccepted
from hub.domain.naming import deterministic_id
from hub.domain.support_path import SupportPath
from hub.domain.timers import fire, name_of

PATIENCE: Final = timedelta(days=1)
"""A writer reads its inbox to the end before it lets timers speak: late is what is silent a day after the log first went on behind its moment."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """A timer that has not spoken by `at`; whether that is late depends on when the log first went on behind `due`."""

    name: MessageId
    kind: str
    due: datetime
    at: datetime
    position: int


@dataclass(slots=True)
class Consequences:
    """What is still expected of one record key. Ask `before` of every event, then tell `after` what was decided, and `settled` what came of it."""

    path: SupportPath
    _next: list[tuple[FollowUp, datetime]] = field(default_factory=list)
    _last: int = -1
    """Position of the event before."""
    _said: set[MessageId] = field(default_factory=set)
    _timers: dict[MessageId, TimerWish] = field(default_factory=dict)
    _to_come: list[tuple[datetime, MessageId]] = field(default_factory=list)
    _silent: dict[MessageId, TimerWish] = field(default_factory=dict)

    def before(
        self, event: MessageAccepted | None, message: Message | None, now: Circumstances
    ) -> Iterator[Finding | Overdue]:
        """What should have come before this event, and whether it has a cause if the hub says it."""
        expected, at_once = False, now.position == self._last + 1
        self._last = now.position
        while self._next and not expected:
            follow_up, at = self._next.pop()
            name, payload = self._message(follow_up, at, now)
            expected = message is not None and message.id == name
            if expected and event is not None and not _is(event, payload):
                yield Finding(FindingCode.UNFOUNDED, now.position, "the hub said something else than follows")
            elif not (expected and at_once) and (expected or self._stands(follow_up, payload, now, at=at)):
                yield Finding(FindingCode.MISSING, now.position, f"{type(follow_up.facts).__name__} had to follow here")
        if not expected and event is not None and message is not None and _must_have_a_cause(message):
            yield from self._of_timer(event, message, now)
        yield from self._overdue(now)
        if message is not None:
            self.heard(message.source, message.id)

    def heard(self, source: Source, message_id: MessageId) -> None:
        """A message stands in the log, accepted or not: what the hub said once is not expected again."""
        if source.endswith(f":{HUB}"):
            self._said.add(message_id)

    def after(self, decision: Accepted, now: Circumstances) -> None:
        """What follows from a decision."""
        self._next += [(one, now.at) for one in reversed(decision.follow_ups)]
        for wish in decision.timers:
            name = deterministic_id(f"{now.directory.listed.programme}/{name_of(self.path.key, wish)}")
            self._timers[name] = wish
            heappush(self._to_come, (wish.due, name))

    def settled(self, path: SupportPath, now: Circumstances) -> None:
        """After the state has moved on: timers that have nothing to say any more are late no longer."""
        self.path = path
        for name in tuple(self._silent):
            if self._speaks(name, now) is None:
                del self._silent[name]

    def at_the_end(self, now: Circumstances) -> Iterator[Finding | Overdue]:
        """What should have come by the last event of the log, which is `now`."""
        while self._next and self._last < now.position:
            follow_up, at = self._next.pop()
            if self._stands(follow_up, self._message(follow_up, at, now)[1], now, at=at):
                detail = f"{type(follow_up.facts).__name__} had to follow here"
                yield Finding(FindingCode.MISSING, self._last + 1, detail)
        yield from self._overdue(now)

    def _of_timer(self, event: MessageAccepted, message: Message, now: Circumstances) -> Iterator[Finding]:
        wish = self._timers.get(message.id)
        follow_up = None if wish is None or wish.due > now.at else fire(self.path, wish, now)
        if follow_up is None or not _is(event, self._message(follow_up, now.at, now)[1]):
            yield Finding(FindingCode.UNFOUNDED, now.position, f"{message.type} without a cause, or before its time")
        self._timers.pop(message.id, None)

    def _overdue(self, now: Circumstances) -> Iterator[Overdue]:
        while self._to_come and self._to_come[0][0] <= now.at:
            _, name = heappop(self._to_come)
            if self._speaks(name, now) is not None:
                self._silent[name] = self._timers[name]
        for name, wish in self._silent.items():
            if now.at - wish.due > PATIENCE and self._speaks(name, now) is not None:
                yield Overdue(name, wish.kind, wish.due, now.at, now.position)

    def _speaks(self, name: MessageId, now: Circumstances) -> FollowUp | None:
        wish = self._timers.get(name)
        follow_up = None if wish is None else fire(self.path, wish, now)
        if follow_up is None:
            return None
        return follow_up if self._stands(follow_up, self._message(follow_up, now.at, now)[1], now, at=now.at) else None

    def _message(self, follow_up: FollowUp, at: datetime, now: Circumstances) -> tuple[MessageId, bytes]:
        category, purpose = None, None
        if isinstance(follow_up.facts, ReferralFacts):
            referral = self.path.referrals[follow_up.facts.referral_id]
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
        if message.id in self._said or follow_up.subject != str(self.path.key):
            return False
        then = Circumstances(now.directory, now.settings, at, now.position)
        return isinstance(decide(self.path, message, then), Accepted)


def _is(event: MessageAccepted, payload: bytes) -> bool:
    """Whether an event holds these signed bytes, or held them before it was erased."""
    if event.erased and event.outline is not None:
        return event.outline.digest == sha256(payload).digest()
    return event.message.payload == payload


def _must_have_a_cause(message: Message) -> bool:
    """What the hub says of a client follows from the log, to the byte and the moment; but not that an auditor looked, nor when an erasure was done.

    That somebody asked for the erasure the rules see to.
    """
    free = (RecordAudited, ErasureCarriedOut)
    return message.unit == HUB and message.subject is not None and not isinstance(message.facts, free)


@dataclass(slots=True)
class Deliveries:
    """Who was to be given what of one record key, to compare with what was reported as delivered."""

    _given: dict[int, tuple[UnitId, frozenset[UnitId]]] = field(default_factory=dict)

    def decided(self, event: MessageAccepted, author: UnitId, position: int) -> None:
        """Remember a decision."""
        self._given[position] = (author, frozenset(one.unit for one in event.recipients))

    def reported(self, told: Told, path: SupportPath) -> Iterator[Finding]:
        """A delivery that nothing permitted by then: neither the decision nor a back-fill, nor as the author's own."""
        author, units = self._given.get(told.position, (None, frozenset()))
        opened = -1 if author is None else path.opened_ranges.get((told.unit, author), -1)
        if author is None or (told.unit not in units | {author} and opened < told.position):
            detail = f"{told.unit} was given {told.position}, which nothing decided"
            yield Finding(FindingCode.UNFOUNDED, told.reported, detail)
