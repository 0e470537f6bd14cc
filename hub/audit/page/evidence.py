"""What the auditor's page shows, read from a running hub: the log by its own functions of replay, and the read models beside it.

Invariants: every session reads only, by the database's own word; whatever is shown of a client comes from that client's events, from the trust lists
and settings of the log, and from the reports of deliveries as the access history holds them; nothing sealed is opened.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import RLock
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from contracts.names import HUB, MessageId, MessageType, RecordKey, Source, SubjectId, UnitId, source_of, unit_of
from hub.application.ports import Indexed, LogEntry
from hub.audit.history import UnknownSubjectError
from hub.audit.replay import Replayed, replay_events
from hub.domain.events import Event, MessageAccepted, MessageRefused
from hub.domain.naming import deterministic_id
from hub.domain.outlines import said_in
from hub.domain.shards import shard_of
from hub.entrypoints.house import House
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.log_wakeup import LogWakeup
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.read_models import ReadModels
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.stored_log import StoredLog
from hub.infrastructure.shard_standing import ShardStanding, standing_of
from projections.access_search import Found, Question, Receiver, delivered, receivers, search
from projections.obligations import ObligationRecord, obligations
from projections.runner import Lag

_READS_ONLY: Final = "-c default_transaction_read_only=on"
_NOTICES: Final = ("trust-list", "settings")


@dataclass(frozen=True, slots=True)
class Stop:
    """A moment at which something about a client came into the log."""

    number: int
    at: datetime
    type: MessageType
    author: UnitId
    refused: bool
    more: int
    """How many further events bear the same moment."""


class ShardEvidence:
    """One shard. Methods raise `StoreUnavailableError`, `ProjectionsError`, `StoredEventError`."""

    def __init__(self, database: ShardDatabase, mapper: EventMapper, source: Source, programme: str) -> None:
        self.database = database
        self.models = ReadModels(database, mapper)
        self.session = Session(database, name="audit-page")
        self.log = LogReading(self.session, mapper)
        self.stored = StoredLog(self.session)
        self._wakeup = LogWakeup(database)
        self._source = source
        self._programme = programme
        self._notices: dict[str, list[LogEntry]] = {kind: [] for kind in _NOTICES}
        self._turn = RLock()

    def events(self, subject: SubjectId) -> list[LogEntry]:
        """Everything that stands in the log about a subject, in order."""
        return list(self.log.load([RecordKey(subject)]).get(RecordKey(subject), ()))

    def notices(self) -> list[LogEntry]:
        """Every trust list and all settings of the log, by kind in order."""
        with self._turn:
            for kind, known in self._notices.items():
                while (position := self._named(f"{kind}/{len(known) + 1}")) is not None:
                    known.extend(self.log.at([position]))
            return [entry for known in self._notices.values() for entry in known]

    def recorded(self, ids: Sequence[MessageId]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of the hub's own messages were decided."""
        return self.log.find([(self._source, one) for one in ids])

    def wait_for_events(self, seconds: float) -> None:
        """Until the log grows, or so long."""
        self._wakeup.wait_for_events(seconds)

    def close(self) -> None:
        """End all sessions."""
        self.models.close()
        self.session.close()
        self._wakeup.close()

    def _named(self, name: str) -> int | None:
        found = self.recorded([deterministic_id(f"{self._programme}/{name}")])
        return next((one.position for one in found.values()), None)


class Evidence:
    """All shards of a programme. Methods raise as those of `ShardEvidence`."""

    def __init__(self, house: House) -> None:
        self._listed = house.programme.directory.listed
        dsn, programme = _reading_only(house.database(DatabaseUser.AUDIT).dsn), self._listed.programme
        source = source_of(programme, HUB)
        databases = [ShardDatabase(dsn, shard) for shard in range(self._listed.shards)]
        mapper = house.mapper()
        self.shards = [ShardEvidence(database, mapper, source, programme) for database in databases]

    def shard_of(self, subject: SubjectId) -> ShardEvidence:
        """Where a subject's events are."""
        listed = self._listed
        return self.shards[shard_of(subject, partitions=listed.partitions, shards=listed.shards)]

    def stops(self, subject: SubjectId) -> Sequence[Stop]:
        """The moments of a client's path, the earliest first. Raises `UnknownSubjectError`."""
        found: list[Stop] = []
        for entry in self.shard_of(subject).events(subject):
            if found and found[-1].at == entry.event.at:
                last = found[-1]
                found[-1] = Stop(last.number, last.at, last.type, last.author, last.refused, last.more + 1)
            else:
                found.append(_stop(len(found), entry.event))
        if not found:
            raise UnknownSubjectError("The log says nothing about this client.", advice="Check the pseudonym.")
        return found

    def replayed(self, subject: SubjectId, at: datetime) -> Replayed:
        """The client's path as of a moment. Raises `UnknownSubjectError` where nothing stood in the log by then."""
        shard = self.shard_of(subject)
        log = sorted((*shard.events(subject), *shard.notices()), key=lambda entry: entry.position)
        told = shard.models.ask(lambda connection: delivered(connection, subject, at))
        return replay_events(((entry.position, entry.event) for entry in log), subject, at, delivered=told)

    def search(self, question: Question, *, limit: int) -> Sequence[Found]:
        """Lines of the access history, the newest first."""
        asked = self.shards if question.subject is None else [self.shard_of(question.subject)]
        found = [
            one for shard in asked for one in shard.models.ask(lambda opened: search(opened, question, limit=limit))
        ]
        return sorted(found, key=lambda one: (one.record.logtime, one.record.position), reverse=True)[:limit]

    def receivers(self) -> Sequence[Receiver]:
        """Every unit that stands, or stood, in the trust list."""
        return self.shards[0].models.ask(receivers)

    def obligations(self, at: datetime) -> Sequence[ObligationRecord]:
        """What units had to erase by a moment, what is due first first."""
        found = [one for shard in self.shards for one in shard.models.ask(lambda opened: obligations(opened, at=at))]
        return sorted(found, key=lambda one: (one.due, one.obligation_id))

    def standing(self) -> Sequence[ShardStanding]:
        """How each shard stands."""
        return [standing_of(shard.session) for shard in self.shards]

    def lags(self, now: datetime) -> Sequence[Mapping[str, Lag]]:
        """How far each shard's read models are behind its log, by name."""
        return [shard.models.lag(now) for shard in self.shards]

    def close(self) -> None:
        """End all sessions."""
        for shard in self.shards:
            shard.close()


def _stop(number: int, event: Event) -> Stop:
    if isinstance(event, MessageRefused):
        return Stop(number, event.at, MessageType(event.type), unit_of(event.source), refused=True, more=0)
    assert isinstance(event, MessageAccepted)  # noqa: S101 - there is no third kind
    message = said_in(event)
    return Stop(number, event.at, message.type, message.unit, refused=False, more=0)


def _reading_only(dsn: str) -> str:
    given = conninfo_to_dict(dsn).get("options") or ""
    return make_conninfo(dsn, options=f"{given} {_READS_ONLY}".strip())


def accepted(shard: ShardEvidence, found: Mapping[tuple[Source, MessageId], Indexed]) -> Iterator[MessageId]:
    """Those of the messages found that stand in the log as accepted."""
    for entry in shard.log.at(sorted(one.position for one in found.values())):
        if isinstance(entry.event, MessageAccepted):
            yield said_in(entry.event).id
