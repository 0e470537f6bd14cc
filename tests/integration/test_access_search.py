"""An auditor's search over everybody reads some lines of the access history, not all of it, however many clients there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from contracts.names import SubjectId, UnitId
from hub.infrastructure.postgres.migrate import migrate
from hub.infrastructure.postgres.read_models import ReadModels
from hub.infrastructure.postgres.shard_database import ShardDatabase
from projections.access_search import Found, Kind, Question, search

_CLIENTS = 100_000
_LIMIT = 50
_FEW = _CLIENTS // 20
"""Of three times as many rows."""
_MADE = """
CREATE TEMP TABLE made AS SELECT n, 'r1.' || n AS subject, n % 997 AS worker, n % 29 AS unit,
    to_char(timestamp '2026-01-01' + n * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS at
FROM generate_series(1, :clients) AS n
"""
_READS = """
INSERT INTO access_read (position, subject, time, recorded_at, reader, worker, reader_unit, reporter, purpose, categories, entries, outcome,
    emergency)
SELECT n, subject, at, at, 'counsellor/w' || worker, 'w' || worker, 'unit-' || unit, 'unit-' || unit, 'support', '[]', '[]',
    CASE WHEN n % 5000 = 0 THEN 'refused' ELSE 'read' END, CASE WHEN n % 7000 = 0 THEN 'risk' END
FROM made
"""
_GIVEN = """
INSERT INTO access_given (position, unit, subject, decided_at, delivered_at)
SELECT n, 'unit-' || (unit + other) % 29, subject, at, at FROM made, generate_series(1, 2) AS other
"""
_READ_SO_FAR = """
SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables WHERE relname ~ '^access_(read|given|entry)'
"""
_ENTRIES = """
INSERT INTO access_entry (position, subject, message_id, author) SELECT n, subject, n, 'op' FROM made
"""


@pytest.fixture
def models(quick_database: str) -> Iterator[ReadModels]:
    migrate(quick_database, 0)
    models = ReadModels(ShardDatabase(quick_database, 0))
    models.prepare()
    models.ask(_fill)
    yield models
    models.close()


def _fill(connection: Connection) -> None:
    connection.execute(text(_MADE), {"clients": _CLIENTS})
    for statement in (_READS, _GIVEN, _ENTRIES):
        connection.execute(text(statement))
    connection.execute(text("ANALYZE"))
    connection.commit()


def asked(models: ReadModels, question: Question) -> tuple[list[Found], int]:
    """What is found, and how many rows the database read for it."""

    def ask(connection: Connection) -> tuple[list[Found], int]:
        before = connection.execute(text(_READ_SO_FAR)).scalar_one()
        found = list(search(connection, question, limit=_LIMIT))
        return found, int(connection.execute(text(_READ_SO_FAR)).scalar_one() - before)

    return models.ask(ask)


def test_a_search_over_a_hundred_thousand_clients_reads_a_few_rows(models: ReadModels) -> None:
    day, next_day = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 1, 0, 30, tzinfo=UTC)
    questions = {
        "everything": Question(),
        "an institution": Question(units=frozenset({UnitId("unit-3"), UnitId("unit-4")})),
        "an institution without a line": Question(units=frozenset({UnitId("nobody")})),
        "a worker": Question(worker="w12"),
        "a worker with the role": Question(worker="counsellor/w12"),
        "a period": Question(since=day, until=next_day),
        "an institution in a period": Question(units=frozenset({UnitId("unit-3")}), since=day, until=next_day),
        "what was refused": Question(kind=Kind.REFUSED),
        "emergencies": Question(kind=Kind.EMERGENCY),
        "one client": Question(subject=SubjectId("r1.77")),
    }
    found = {name: asked(models, question) for name, question in questions.items()}
    assert {name: rows for name, (_, rows) in found.items() if rows > _FEW} == {}
    assert {name for name, (lines, _) in found.items() if not lines} == {"an institution without a line"}
    assert {one.record.reader for one in found["a worker"][0]} == {"counsellor/w12"}
