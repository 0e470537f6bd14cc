"""One person's path as it stood at any time: grounds in force, who could see which entry and why, who looked, referrals, duties.

Invariants: only what stood in the log at that time counts; whether an entry may be seen is asked of the hub's own gate, at that time; nothing of an
entry's content is read. Replaying does not verify: run `spojka-audit verify` on the same export first, or name a policy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from contracts.categories import Category
from contracts.envelope import Message
from contracts.gate import Restriction
from contracts.grounds import Ground
from contracts.ledger.policy import Policy
from contracts.messages.access import RecordAccessed, RecordAudited
from contracts.messages.erasure import ErasureCarriedOut, ErasureRequested
from contracts.names import GroundId, MergeId, MessageId, MessageType, RecordKey, SubjectId, UnitId
from hub.application.case_files import CaseFile, advance
from hub.application.ports import LogEntry
from hub.audit.bundle import Bundle
from hub.audit.history import History, UnknownSubjectError, history_of
from hub.domain.decision import Circumstances
from hub.domain.events import Event, MessageAccepted
from hub.domain.outlines import said_in
from hub.domain.recipients import still_given
from hub.domain.referral import Referral
from hub.domain.support_path import Entry, Obligation, SupportPath


@dataclass(frozen=True, slots=True)
class Seen:
    """One unit and one entry: why it was given, whether it was, and whether it would still be."""

    unit: UnitId
    ground_id: GroundId | None
    delivered: bool
    permitted_now: bool


@dataclass(frozen=True, slots=True)
class Erased:
    """That a client had an entry erased: who asked for it, and since when nobody opens its content any more."""

    unit: UnitId
    asked: datetime
    carried_out: datetime | None = None
    """As the key service certified it by then."""


@dataclass(frozen=True, slots=True)
class ReplayedEntry:
    """One entry, with everyone to whom it was given."""

    message_id: MessageId
    type: MessageType
    author: UnitId
    category: Category
    occurred: datetime
    position: int
    seen: tuple[Seen, ...]
    erased: Erased | None = None
    """The first erasure that covers it."""


@dataclass(frozen=True, slots=True)
class Look:
    """One reported read, or an attempt."""

    at: datetime
    facts: RecordAccessed


@dataclass(frozen=True, slots=True)
class AuditorsLook:
    """An auditor who looked at this subject's evidence."""

    at: datetime
    facts: RecordAudited


@dataclass(frozen=True, slots=True)
class SamePerson:
    """That the subject and another were said to be one person: `merge_id` stands on both sides, neither names the other."""

    merge_id: MergeId
    proposer: UnitId
    agreed: bool
    """Reviewed by another institution, and not undone."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """Everything about one subject at one time."""

    at: datetime
    trust_list: int
    grounds: tuple[tuple[Ground, bool], ...]
    """Each ground, and whether it was in force."""
    entries: tuple[ReplayedEntry, ...]
    looks: tuple[Look, ...]
    audits: tuple[AuditorsLook, ...]
    obligations: tuple[Obligation, ...]
    """Answered ones too."""
    referrals: tuple[Referral, ...]
    restrictions: tuple[Restriction, ...]
    same_person: tuple[SamePerson, ...]

    @property
    def open_obligations(self) -> tuple[Obligation, ...]:
        """Duties that nobody answered yet."""
        return tuple(one for one in self.obligations if one.open)


@dataclass(slots=True)
class _Reading:
    case: CaseFile
    given: dict[MessageId, MessageAccepted] = field(default_factory=dict)
    opened: dict[tuple[UnitId, int], GroundId] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    audits: list[AuditorsLook] = field(default_factory=list)
    erasures: dict[MessageId, Erased] = field(default_factory=dict)

    def take(self, entry: LogEntry) -> None:
        """One event that stood in the log."""
        if isinstance(entry.event, MessageAccepted):
            self._accepted(entry.event, said_in(entry.event))
        self.case = advance(self.case, entry)

    def _accepted(self, event: MessageAccepted, message: Message) -> None:
        self.given[message.id] = event
        match message.facts:
            case RecordAccessed() as facts:
                self.looks.append(Look(message.time, facts))
            case RecordAudited() as facts:
                self.audits.append(AuditorsLook(message.time, facts))
            case ErasureRequested():
                self.erasures[message.id] = Erased(message.unit, event.at)
            case ErasureCarriedOut() as facts if facts.request_id in self.erasures:
                asked = self.erasures[facts.request_id]
                self.erasures[facts.request_id] = replace(asked, carried_out=facts.live_at)
        for one in event.backfills:
            for known in self.case.path.entries.values():
                if known.author == one.source and known.position <= one.through:
                    self.opened.setdefault((one.unit, known.position), one.ground)


Delivered = Mapping[tuple[UnitId, int], bool]
"""By unit and position: whether it was given, or withheld."""


def replay(bundle: Bundle, subject: SubjectId, at: datetime, policy: Policy | None = None) -> Replayed:
    """What the log said about a subject at `at`, each row that is read proven where a policy is named. Raises what `history_of` raises."""
    return replay_history(history_of(bundle, subject, policy), at)


def replay_events(
    log: Iterable[tuple[int, Event]], subject: SubjectId, at: datetime, *, delivered: Delivered | None = None
) -> Replayed:
    """The same over these events in order. They may leave out what is about others, and reports of deliveries where `delivered` tells what they say.

    Raises `UnknownSubjectError`.
    """
    key, own, others = RecordKey(subject), list[LogEntry](), list[LogEntry]()
    for position, event in log:
        (own if event.key == key else others).append(LogEntry(position, event))
    return replay_history(History.of(key, own, others), at, delivered=delivered)


def replay_history(history: History, at: datetime, *, delivered: Delivered | None = None) -> Replayed:
    """The same of one history. Raises `UnknownSubjectError`."""
    reading = _Reading(CaseFile.empty(history.key))
    for entry in history.entries:
        if entry.event.at > at:
            break
        reading.take(entry)
    now = history.timeline.as_of(at)
    if now is None or not reading.given:
        raise UnknownSubjectError(
            f"The log says nothing about {history.key} by {at.isoformat()}.", advice="Check subject, time and shard."
        )
    path, known = reading.case.path, dict[int, dict[UnitId, bool]]()
    for (unit, position), given in (delivered or {}).items():
        known.setdefault(position, {})[unit] = given
    return Replayed(
        at=at,
        trust_list=now.directory.version,
        grounds=tuple((one, _in_force(one, at)) for one in path.grounds.values()),
        entries=tuple(
            _entry(one, reading, known.get(one.position, {}) | _delivered(history, one.position, at), now)
            for one in _by_position(path)
        ),
        looks=tuple(reading.looks),
        audits=tuple(reading.audits),
        obligations=tuple(path.obligations.values()),
        referrals=tuple(path.referrals.values()),
        restrictions=path.restrictions,
        same_person=tuple(
            SamePerson(name, one.proposer, agreed=one.reviewer is not None and not one.split)
            for name, one in path.merges.items()
        ),
    )


def _delivered(history: History, position: int, at: datetime) -> dict[UnitId, bool]:
    return {one.unit: one.given for one in history.reports.of(position) if one.at <= at}


def _entry(entry: Entry, reading: _Reading, delivered: Mapping[UnitId, bool], now: Circumstances) -> ReplayedEntry:
    event, path = reading.given[entry.message_id], reading.case.path
    grounds: dict[UnitId, GroundId | None] = {one.unit: one.ground for one in event.recipients}
    for unit in delivered:
        grounds.setdefault(unit, reading.opened.get((unit, entry.position)))
    seen = (
        Seen(
            unit=unit,
            ground_id=ground,
            delivered=delivered.get(unit, False),
            permitted_now=still_given(path, entry, unit, now),
        )
        for unit, ground in sorted(grounds.items())
    )
    return ReplayedEntry(
        message_id=entry.message_id,
        type=said_in(event).type,
        author=entry.author,
        category=entry.category,
        occurred=entry.occurred,
        position=entry.position,
        seen=tuple(seen),
        erased=next((reading.erasures[one.message_id] for one in path.erasures if one.covers(entry)), None),
    )


def _by_position(path: SupportPath) -> Sequence[Entry]:
    return sorted(path.entries.values(), key=lambda one: one.position)


def _in_force(ground: Ground, at: datetime) -> bool:
    return ground.active(at) and any(at < one.until for one in ground.openings)
