"""What tests of read models share: a journal and a log in memory, messages to fill them, and the databases to run on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, MetaData, Table, select

from contracts.categories import Category
from contracts.envelope import compose, parse
from contracts.facts import Facts, SealedContent
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentGiven
from contracts.messages.referral import ReferralSent
from contracts.names import GroundId, MessageId, ProgrammeId, RecordKey, ReferralId, SubjectId, UnitId, source_of
from projections.access_history import AccessHistory
from projections.database import open_database
from projections.encrypted_file import KEY_BYTES, DatabaseKey
from projections.grounds import GroundsInForce
from projections.obligations import Obligations
from projections.one_person import OnePerson
from projections.parsed import ParsedItem, ParsedLogItem, parse_journal, parse_log
from projections.runner import Runner
from projections.source import JournalItem, LogItem, LogRecipient
from projections.timeline import Timeline
from projections.worklist import Worklist

PROGRAMME = ProgrammeId("decin")
OP, UP, MD, VZ, HUB = (UnitId(name) for name in ("op", "up", "md", "vz", "hub"))
KAREL, HALINA = SubjectId("r1." + "a" * 26), SubjectId("r1." + "b" * 26)
START = datetime(2026, 2, 2, 9, tzinfo=UTC)

UnitRunner = Runner[JournalItem, ParsedItem]
HubRunner = Runner[LogItem, ParsedLogItem]


def day(number: float) -> datetime:
    """So many days after 2 February 2026, at nine."""
    return START + timedelta(days=number)


def named(number: int) -> str:
    """A message, ground or referral id."""
    return str(UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + number))


class Writer:
    """Composes messages, numbering them per author and subject."""

    def __init__(self, *, first_id: int = 1) -> None:
        self._sequences: dict[tuple[UnitId, SubjectId | None], int] = {}
        self._ids = count(first_id)

    def __call__(  # noqa: PLR0913 - the attributes that tests vary, as in compose
        self,
        facts: Facts,
        author: UnitId = OP,
        *,
        subject: SubjectId | None = KAREL,
        category: Category | None = None,
        at: datetime = START,
        content: SealedContent | None = None,
        corrects: MessageId | None = None,
    ) -> bytes:
        """The bytes of the author's next message."""
        key = (author, subject)
        self._sequences[key] = self._sequences.get(key, 0) + 1
        return compose(
            facts,
            id=MessageId(named(next(self._ids))),
            source=source_of(PROGRAMME, author),
            time=at,
            programme=PROGRAMME,
            sequence=self._sequences[key],
            subject=subject,
            category=category,
            content=content,
            corrects=corrects,
        )


class MemoryJournal:
    """A unit's journal: one item a message, renumbered whenever its state changes."""

    def __init__(self, unit: UnitId = OP) -> None:
        self._unit = unit
        self._items: dict[MessageId, JournalItem] = {}
        self._numbers = count(1)

    def add(self, payload: bytes, **stated: Any) -> MessageId:  # noqa: ANN401 - any field of JournalItem
        """A message came, or was recorded here."""
        message, number = parse(payload), next(self._numbers)
        item = JournalItem(
            number=number,
            arrived=number,
            kind="own" if message.unit == self._unit else "given",
            message_id=message.id,
            author=message.unit,
            subject=message.subject,
            payload=payload,
            recorded_at=message.time,
        )
        self._items[message.id] = replace(item, **stated)
        return message.id

    def put(self, item: JournalItem) -> None:
        """Anything at all, numbered here."""
        number = next(self._numbers)
        self._items[item.message_id] = replace(item, number=number, arrived=number)

    def change(self, message_id: MessageId, **changes: Any) -> None:  # noqa: ANN401 - any field of JournalItem
        """The message's state changed."""
        self._items[message_id] = replace(self._items[message_id], number=next(self._numbers), **changes)

    def erase(self, message_id: MessageId, at: datetime) -> None:
        """The content is gone for good."""
        self.change(message_id, kind="erased", payload=b"", erased_at=at)

    def read(self, after: int, limit: int) -> Sequence[JournalItem]:
        return sorted((one for one in self._items.values() if one.number > after), key=lambda one: one.number)[:limit]

    def end(self) -> int:
        return max((one.number for one in self._items.values()), default=-1)


class MemoryLog:
    """The hub's log."""

    def __init__(self) -> None:
        self.items: list[LogItem] = []

    def accept(self, payload: bytes, *, given: Sequence[LogRecipient] = (), **stated: Any) -> int:  # noqa: ANN401 - LogItem
        """An accepted message; returns its position."""
        message = parse(payload)
        item = LogItem(
            position=len(self.items),
            at=message.time,
            key=RecordKey(message.key),
            message_id=message.id,
            author=message.unit,
            verdict="accepted",
            payload=payload,
            recipients=tuple(given),
        )
        self.items.append(replace(item, **stated))
        return item.position

    def erase(self, position: int) -> None:
        """The payload can no longer be read."""
        self.items[position] = replace(self.items[position], payload=None)

    def read(self, after: int, limit: int) -> Sequence[LogItem]:
        return self.items[after + 1 : after + 1 + limit]

    def end(self) -> int:
        return len(self.items) - 1


def unit_runner(engine: Engine, journal: MemoryJournal, *, chunk: int = 1000) -> UnitRunner:
    """All read models of a unit, ready to step."""
    models = (Timeline(), Worklist(grace_days=14), GroundsInForce(), OnePerson())
    runner = Runner(engine, journal, parse=parse_journal, projections=models, chunk=chunk)
    runner.prepare()
    return runner


def hub_runner(engine: Engine, log: MemoryLog, *, chunk: int = 1000) -> HubRunner:
    """All read models of the hub, ready to step."""
    runner = Runner(engine, log, parse=parse_log, projections=(AccessHistory(), Obligations()), chunk=chunk)
    runner.prepare()
    return runner


def rows_of(engine: Engine, metadata: MetaData) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a read model, sorted."""
    return {table.name: _rows(engine, table) for table in metadata.sorted_tables}


def _rows(engine: Engine, table: Table) -> list[tuple[object, ...]]:
    with engine.begin() as connection:
        return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)


def consent(
    number: int, *, recipient: UnitId = UP, categories: Sequence[Category] = (Category.HOUSING,), until: float = 300
) -> ConsentGiven:
    """A consent of OP, UP and MD for one recipient."""
    grant = Grant(sources=(OP, UP, MD), recipient=to_unit(recipient), categories=tuple(categories), until=day(until))
    return ConsentGiven(
        consent_id=GroundId(named(10_000 + number)),
        recipient=to_unit(recipient),
        grants=(grant,),
        paper=("consent",),
        notice_version="2026-1",
        evidence_hash="0" * 64,
        method="signed-paper",
    )


def referral_sent(number: int, target: UnitId | None = UP, *, due: float = 18) -> ReferralSent:
    """A referral for a course, to a unit or (None) to someone outside the programme."""
    return ReferralSent(
        referral_id=ReferralId(named(20_000 + number)),
        kind="referral",
        target=target,
        external=target is None,
        answer_due=day(due),
        service="course-welding",
    )


class OnSqlite:
    """Runs a contract on SQLite."""

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        engine = open_database(f"sqlite:///{tmp_path / 'unit.db'}", DatabaseKey(b"k" * KEY_BYTES))
        yield engine
        engine.dispose()


class OnPostgres:
    """Runs a contract on PostgreSQL."""

    @pytest.fixture
    def engine(self, quick_database: str) -> Iterator[Engine]:
        engine = open_database(quick_database)
        yield engine
        engine.dispose()
