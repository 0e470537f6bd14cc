"""One person's path as it stood at any time, from an export alone: grounds in force, who could see which entry and why, who looked, open duties.

Invariants: only what stood in the log at that time counts; whether an entry may be seen is asked of the hub's own gate, at that time; nothing of an
entry's content is read. Replaying does not verify: run `spojka-audit verify` on the same export first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.admission import read_first_list
from contracts.categories import Category
from contracts.envelope import Message, parse
from contracts.grounds import Ground
from contracts.messages.access import RecordAccessed, RecordAudited
from contracts.messages.hub import DeliveryReported, SettingsChanged, TrustListPublished
from contracts.names import GroundId, MessageId, MessageType, RecordKey, SubjectId, UnitId
from contracts.trust_list import Directory, read_envelope
from hub.application.case_files import CaseFile, advance
from hub.application.ports import HubError, LogEntry
from hub.audit.bundle import Bundle
from hub.audit.stored_events import events
from hub.domain.decision import Circumstances
from hub.domain.events import Event, MessageAccepted
from hub.domain.recipients import still_given
from hub.domain.settings import DEFAULT, DecisionSettings, changed
from hub.domain.support_path import Entry, Obligation, SupportPath


class UnknownSubjectError(HubError):
    """Nothing about this subject stood in the log by then."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One unit and one entry: why it was given, whether it was, and whether it would still be."""

    unit: UnitId
    ground_id: GroundId | None
    delivered: bool
    permitted_now: bool


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
class Replayed:
    """Everything about one subject at one time."""

    at: datetime
    trust_list: int
    grounds: tuple[tuple[Ground, bool], ...]
    """Each ground, and whether it was in force."""
    entries: tuple[ReplayedEntry, ...]
    looks: tuple[Look, ...]
    audits: tuple[AuditorsLook, ...]
    open_obligations: tuple[Obligation, ...]


@dataclass(slots=True)
class _Reading:
    key: RecordKey
    at: datetime
    case: CaseFile
    directory: Directory | None = None
    settings: DecisionSettings = DEFAULT
    given: dict[MessageId, MessageAccepted] = field(default_factory=dict)
    opened: dict[tuple[UnitId, int], GroundId] = field(default_factory=dict)
    delivered: dict[tuple[UnitId, int], bool] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    audits: list[AuditorsLook] = field(default_factory=list)

    def take(self, event: MessageAccepted, position: int) -> None:
        """One accepted message that stood in the log."""
        message = parse(event.message.payload)
        match message.facts:
            case TrustListPublished() as facts:
                envelope = facts.document.encode()
                if self.directory is None:
                    self.directory, _ = read_first_list(envelope)
                else:
                    self.directory = read_envelope(envelope, before=self.directory, roots={}, at=event.at)
            case SettingsChanged() as facts:
                self.settings = changed(facts)
            case DeliveryReported() as facts:
                reported = {(one.unit, one.position): one.verdict == "given" for one in facts.deliveries}
                self.delivered |= reported
            case RecordAccessed() as facts if event.key == self.key:
                self.looks.append(Look(message.time, facts))
            case RecordAudited() as facts if event.key == self.key:
                self.audits.append(AuditorsLook(message.time, facts))
        if event.key == self.key:
            self._own(event, message, position)

    def _own(self, event: MessageAccepted, message: Message, position: int) -> None:
        self.given[message.id] = event
        for one in event.backfills:
            for entry in self.case.path.entries.values():
                if entry.author == one.source and entry.position <= one.through:
                    self.opened.setdefault((one.unit, entry.position), one.ground)
        self.case = advance(self.case, LogEntry(position, event))


Delivered = Mapping[tuple[UnitId, int], bool]
"""By unit and position: whether it was given, or withheld."""


def replay(bundle: Bundle, subject: SubjectId, at: datetime) -> Replayed:
    """What the log said about a subject at `at`. Raises `UnknownSubjectError`, `BundleError`, `StoredEventError`."""
    return replay_events(events(bundle), subject, at)


def replay_events(
    log: Iterable[tuple[int, Event]], subject: SubjectId, at: datetime, *, delivered: Delivered | None = None
) -> Replayed:
    """The same over these events in order. They may leave out what is about others, and reports of deliveries where `delivered` tells what they say.

    Raises `UnknownSubjectError`.
    """
    key = RecordKey(subject)
    reading = _Reading(key, at, CaseFile.empty(key), delivered=dict(delivered or {}))
    for position, event in log:
        if event.at > at:
            break
        if isinstance(event, MessageAccepted):
            reading.take(event, position)
        elif event.key == key:
            reading.case = advance(reading.case, LogEntry(position, event))
    if reading.directory is None or not reading.given:
        raise UnknownSubjectError(
            f"The log says nothing about {subject} by {at.isoformat()}.", advice="Check subject, time and shard."
        )
    return _replayed(reading, reading.directory)


def _replayed(reading: _Reading, directory: Directory) -> Replayed:
    path = reading.case.path
    now = Circumstances(directory, reading.settings, reading.at, 0)
    return Replayed(
        at=reading.at,
        trust_list=directory.version,
        grounds=tuple((one, _in_force(one, reading.at)) for one in path.grounds.values()),
        entries=tuple(_entry(one, reading, path, now) for one in _by_position(path.entries)),
        looks=tuple(reading.looks),
        audits=tuple(reading.audits),
        open_obligations=tuple(one for one in path.obligations.values() if one.open),
    )


def _entry(entry: Entry, reading: _Reading, path: SupportPath, now: Circumstances) -> ReplayedEntry:
    event = reading.given[entry.message_id]
    grounds: dict[UnitId, GroundId | None] = {one.unit: one.ground for one in event.recipients}
    for unit, position in reading.delivered:
        if position == entry.position:
            grounds.setdefault(unit, reading.opened.get((unit, position)))
    seen = (
        Seen(
            unit=unit,
            ground_id=ground,
            delivered=reading.delivered.get((unit, entry.position), False),
            permitted_now=still_given(path, entry, unit, now),
        )
        for unit, ground in sorted(grounds.items())
    )
    return ReplayedEntry(
        message_id=entry.message_id,
        type=parse(event.message.payload).type,
        author=entry.author,
        category=entry.category,
        occurred=entry.occurred,
        position=entry.position,
        seen=tuple(seen),
    )


def _by_position(entries: Mapping[MessageId, Entry]) -> Sequence[Entry]:
    return sorted(entries.values(), key=lambda one: one.position)


def _in_force(ground: Ground, at: datetime) -> bool:
    return ground.active(at) and any(at < one.until for one in ground.openings)
