"""Who read or tried to read what about whom: reads, refused attempts and opened glass, as the readers' adapters reported them, and auditors' looks.

Invariants: refused attempts are in it; nothing of an entry's content is read; who only *could* have read stands in a replay, not here. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts.categories import Category, Purpose
from contracts.envelope import Message, parse
from contracts.messages.access import RecordAccessed, RecordAudited
from contracts.names import HUB, ActorId, GroundId, InstitutionId, MessageId, RecordKey, UnitId
from contracts.trust_list import Directory, UnitEntry
from hub.application.ports import LogEntry
from hub.domain.events import MessageAccepted

_REPORTED = (b"record.accessed", b"record.audited")


@dataclass(frozen=True, slots=True)
class Access:
    """One reported read, or an attempt."""

    subject: RecordKey
    at: datetime
    """When it happened, as the reader's adapter says."""
    recorded: datetime
    """When the log took it."""
    position: int
    message_id: MessageId
    reader: ActorId
    unit: UnitId
    """The reader's; the hub for an auditor."""
    unit_name: str | None
    institution: InstitutionId | None
    institution_name: str | None
    """None where no trust list ever named the unit."""
    reporter: UnitId
    refused: bool
    break_glass: bool
    """Opened in an emergency, although the lease or the purpose hid it; or what a second person said of that."""
    judged: str | None
    """What the second person said: `justified` or `not-justified`; None for the look itself."""
    hidden_until: datetime | None
    """Until when a law lets the client not be told of it."""
    reason: str | None
    purpose: Purpose | None
    audit: str | None
    """What an auditor looked for; None for a worker."""
    categories: tuple[Category, ...]
    entries: tuple[MessageId, ...]
    ground_id: GroundId | None


class KnownUnits:
    """Every unit that a trust list names, as the newest of these lists (the oldest first) has it: those that have left too."""

    def __init__(self, lists: Iterable[Directory]) -> None:
        self._units: dict[UnitId, UnitEntry] = {}
        self._names: dict[InstitutionId, str] = {}
        for one in lists:
            self._units |= one.units
            self._names |= {institution.institution: institution.name for institution in one.listed.institutions}

    @property
    def units(self) -> Mapping[UnitId, UnitEntry]:
        """By name."""
        return self._units

    @property
    def institutions(self) -> Mapping[InstitutionId, str]:
        """Their names."""
        return self._names


@dataclass(frozen=True, slots=True)
class Asked:
    """Which accesses; None: all."""

    institution: InstitutionId | None = None
    unit: UnitId | None = None
    since: datetime | None = None
    until: datetime | None = None
    refused_only: bool = False

    def covers(self, access: Access) -> bool:
        """Whether this one was asked for. A period is of when it happened."""
        return (
            self.institution in (None, access.institution)
            and self.unit in (None, access.unit)
            and (self.since is None or access.at >= self.since)
            and (self.until is None or access.at <= self.until)
            and (access.refused or not self.refused_only)
        )


EVERY = Asked()


def accesses(entries: Iterable[LogEntry], known: KnownUnits, asked: Asked = EVERY) -> Iterator[Access]:
    """The accesses among events, in their order."""
    for entry in entries:
        event = entry.event
        if not isinstance(event, MessageAccepted) or not any(one in event.message.payload for one in _REPORTED):
            continue
        message = parse(event.message.payload)
        match message.facts:
            case RecordAccessed() as facts:
                found = _access(entry.position, event, message, facts, known)
            case RecordAudited() as facts:
                found = _audit(entry.position, event, message, facts)
            case _:
                continue
        if asked.covers(found):
            yield found


def _access(
    position: int, event: MessageAccepted, message: Message, facts: RecordAccessed, known: KnownUnits
) -> Access:
    unit = known.units.get(facts.reader_unit)
    refused = facts.outcome == "refused"
    return Access(
        subject=event.key,
        at=message.time,
        recorded=event.at,
        position=position,
        message_id=message.id,
        reader=facts.reader,
        unit=facts.reader_unit,
        unit_name=None if unit is None else unit.name,
        institution=None if unit is None else unit.institution,
        institution_name=None if unit is None else known.institutions.get(unit.institution),
        reporter=message.unit,
        refused=refused,
        break_glass=facts.emergency is not None,
        judged=None if facts.emergency is None else facts.emergency.judged,
        hidden_until=None if facts.hidden is None else facts.hidden.until,
        reason=facts.reason,
        purpose=facts.purpose_of_access,
        audit=None,
        categories=facts.categories,
        entries=facts.entries,
        ground_id=facts.ground_id,
    )


def _audit(position: int, event: MessageAccepted, message: Message, facts: RecordAudited) -> Access:
    return Access(
        subject=event.key,
        at=message.time,
        recorded=event.at,
        position=position,
        message_id=message.id,
        reader=facts.reader,
        unit=HUB,
        unit_name=None,
        institution=None,
        institution_name=None,
        reporter=message.unit,
        refused=False,
        break_glass=False,
        judged=None,
        hidden_until=None,
        reason=None,
        purpose=None,
        audit=facts.purpose_of_audit,
        categories=(),
        entries=(),
        ground_id=None,
    )
