"""Rebuilding a unit's read models from its journal, against merely reading and decoding the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import count
from time import perf_counter
from typing import Final

from sqlalchemy import Column, Engine, LargeBinary, MetaData, String, Table, insert, select

from contracts.categories import Category
from contracts.envelope import parse
from contracts.messages import referral as moves
from contracts.messages.appointment import AppointmentContent, AppointmentOffered
from contracts.messages.consent import ConsentAttested
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.session import SessionContent, SessionHeld
from contracts.names import GroundId, MessageId, ReferralId, SubjectId, UnitId
from projections.column_types import Instant, Number
from projections.database import open_database
from projections.encrypted_file import KEY_BYTES, DatabaseKey
from projections.grounds import GroundsInForce
from projections.parsed import ParsedItem, parse_journal
from projections.projection import Projection
from projections.runner import CHUNK, Runner
from projections.source import BEGINNING, JournalItem
from projections.timeline import Timeline
from projections.worklist import Worklist
from tests.benchmarks.registry import Bench, Measurement, benchmark
from tests.read_model_rig import OP, START, UP, Writer, consent, day, named, referral_sent

GOAL: Final = 0.3
_MESSAGES, _SMOKE_MESSAGES = 20_000, 600
_PER_CLIENT: Final = 20
_TEXT: Final = (
    "Talked about the next steps, what went well since the last meeting and what still stands in the way. " * 3
)
_databases = count(1)

JOURNAL: Final = Table(
    "benchmark_journal",
    MetaData(),
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("message_id", String(36), nullable=False),
    Column("author", String(40), nullable=False),
    Column("subject", String(60), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("recorded_at", Instant, nullable=False),
)


class TableJournal:
    """A journal in the database that the read models are in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, after: int, limit: int) -> Sequence[JournalItem]:
        """Items behind a number."""
        wanted = select(JOURNAL).where(JOURNAL.c.number > after).order_by(JOURNAL.c.number).limit(limit)
        with self._engine.begin() as connection:
            return [
                _item(row.number, row.message_id, row.author, row.subject, row.payload, row.recorded_at)
                for row in connection.execute(wanted)
            ]

    def end(self) -> int:
        """The last number."""
        with self._engine.begin() as connection:
            newest = select(JOURNAL.c.number).order_by(JOURNAL.c.number.desc()).limit(1)
            return connection.scalar(newest) or BEGINNING


def _item(  # noqa: PLR0913, PLR0917 - one column each
    number: int, message_id: str, author: str, subject: str, payload: bytes, recorded_at: datetime
) -> JournalItem:
    return JournalItem(
        number=number,
        arrived=number,
        kind="own" if author == OP else "given",
        message_id=MessageId(message_id),
        author=UnitId(author),
        subject=SubjectId(subject),
        payload=payload,
        recorded_at=recorded_at,
    )


@lru_cache(maxsize=2)
def feed(messages: int) -> Sequence[tuple[SubjectId, bytes]]:
    """Support paths of 20 messages, interleaved as they would come: consents, referrals, sessions, needs, appointments."""
    clients = [SubjectId(f"r1.{'a' * 20}{_base32(number)}") for number in range(messages // _PER_CLIENT)]
    write = Writer()
    return [
        (client, _message(write, client, number, step))
        for step in range(_PER_CLIENT)
        for number, client in enumerate(clients)
    ]


def _base32(number: int) -> str:
    return "".join("abcdefghijklmnopqrstuvwxyz234567"[number >> shift & 31] for shift in (25, 20, 15, 10, 5, 0))


def _message(  # noqa: PLR0911 - one line a step of the path
    write: Writer, client: SubjectId, number: int, step: int
) -> bytes:
    referral_id = ReferralId(named(20_000 + number))
    at, author = day(step), (OP, UP)[step % 2]
    match step:
        case 0:
            return write(consent(number), subject=client, at=at)
        case 1:
            return write(
                ConsentAttested(consent_id=GroundId(named(10_000 + number)), method="saw-original"), UP, subject=client
            )
        case 2:
            return write(referral_sent(number), subject=client, category=Category.SKILLS, at=at)
        case 3:
            return write(
                moves.ReferralReceived(referral_id=referral_id), UP, subject=client, category=Category.SKILLS, at=at
            )
        case 5:
            return write(
                moves.ReferralAccepted(referral_id=referral_id), UP, subject=client, category=Category.SKILLS, at=at
            )
        case 7 | 11 | 15:
            offered = AppointmentOffered(when=day(step + 7))
            note = AppointmentContent(note="Bring the certificate.")
            return write(offered, author, subject=client, category=Category.EMPLOYMENT, at=at, content=note)
        case 9 | 10:
            facts, finding = NeedAssessed(dimension="housing", level="high"), NeedContent(finding=_TEXT)
            return write(facts, author, subject=client, category=Category.HOUSING, at=at, content=finding)
        case _:
            held = SessionHeld(kind="social", form="individual", minutes=45)
            return write(
                held, author, subject=client, category=Category.EMPLOYMENT, at=at, content=SessionContent(notes=_TEXT)
            )


def _fill(engine: Engine, messages: int) -> None:
    with engine.begin() as connection:
        JOURNAL.create(connection)
        connection.execute(
            insert(JOURNAL),
            [
                {
                    "number": number,
                    "message_id": json.loads(payload)["id"],
                    "author": json.loads(payload)["source"].rsplit(":", 1)[1],
                    "subject": client,
                    "payload": payload,
                    "recorded_at": START,
                }
                for number, (client, payload) in enumerate(feed(messages), start=1)
            ],
        )


def _bare(journal: TableJournal) -> None:
    after = BEGINNING
    while items := journal.read(after, CHUNK):
        for item in items:
            parse(item.payload)
        after = items[-1].number


def _rate(messages: int, run: Callable[[], object]) -> float:
    begun = perf_counter()
    run()
    return messages / (perf_counter() - begun)


def _measure(url: str, models: Sequence[Projection[ParsedItem]], *, smoke: bool) -> Measurement:
    messages = _SMOKE_MESSAGES if smoke else _MESSAGES
    engine = open_database(url, DatabaseKey(b"k" * KEY_BYTES))
    try:
        _fill(engine, messages)
        journal = TableJournal(engine)
        runner = Runner(engine, journal, parse=parse_journal, projections=models)
        runner.prepare()
        bare = _rate(messages, lambda: _bare(journal))
        return Measurement(value=_rate(messages, runner.catch_up), unit="messages/s", baseline=bare)
    finally:
        engine.dispose()


def _sqlite(bench: Bench) -> str:
    return f"sqlite:///{bench.folder / f'rebuild-{next(_databases)}.db'}"


def _postgres(bench: Bench) -> str:
    return bench.postgres.create_database(f"rebuild_{next(_databases)}")


def _everything() -> Sequence[Projection[ParsedItem]]:
    return (Timeline(), Worklist(), GroundsInForce())


@benchmark("rebuild-timeline-sqlite", goal=GOAL)
def timeline_on_sqlite(bench: Bench) -> Measurement:
    """One unit's timeline from zero, on SQLite."""
    return _measure(_sqlite(bench), (Timeline(),), smoke=bench.smoke)


@benchmark("rebuild-timeline-postgresql", goal=GOAL)
def timeline_on_postgresql(bench: Bench) -> Measurement:
    """The same on PostgreSQL."""
    return _measure(_postgres(bench), (Timeline(),), smoke=bench.smoke)


@benchmark("rebuild-unit-sqlite", goal=GOAL)
def unit_on_sqlite(bench: Bench) -> Measurement:
    """All read models of a unit at once, each message parsed once, on SQLite."""
    return _measure(_sqlite(bench), _everything(), smoke=bench.smoke)


@benchmark("rebuild-unit-postgresql", goal=GOAL)
def unit_on_postgresql(bench: Bench) -> Measurement:
    """The same on PostgreSQL."""
    return _measure(_postgres(bench), _everything(), smoke=bench.smoke)
