"""Rows of read models, as they are written many at once: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, MetaData, String, Table, Text, select

from projections.column_types import Instant, Number
from projections.database import writing
from projections.rows import AT_ONCE, upsert
from tests.read_model_rig import OnPostgres, OnSqlite, day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

    from projections.rows import RowValues

_METADATA = MetaData()
_NOTE = Table(
    "note",
    _METADATA,
    Column("position", Number, primary_key=True),
    Column("author", String(40), primary_key=True),
    Column("time", Instant),
    Column("text", Text),
)
_ODD = ("", "a\tb", "two\nlines\r\n", r"\N", r"C:\temp\.", "\"quoted\", 'so'", "žluťoučký 🐎")


class RowsContract:
    """What every read model may rely on."""

    @pytest.fixture(autouse=True)
    def _tables(self, engine: Engine) -> None:
        with writing(engine) as connection:
            _METADATA.create_all(connection)

    def test_what_a_worker_wrote_is_stored_to_the_letter(self, engine: Engine) -> None:
        _write(engine, [_note(number, text=text) for number, text in enumerate(_ODD)])
        assert [text for *_, text in _stored(engine)] == list(_ODD)

    def test_what_a_later_row_says_no_more_is_gone_and_what_it_does_not_speak_of_stays(self, engine: Engine) -> None:
        before = [_note(number, text="before") for number in range(3)]
        _write(engine, before)
        _write(engine, [_note(1, text="after") | {"time": None}, _note(2, text="after") | {"text": None}])
        _write(engine, [{"position": 0, "author": "op", "time": day(2)}])
        now = [(0, "op", day(2), "before"), (1, "op", None, "after"), (2, "op", day(1), None)]
        assert _stored(engine) == now

    def test_of_rows_that_say_one_thing_the_last_holds_however_many_come_at_once(self, engine: Engine) -> None:
        numbers = range(2 * AT_ONCE + 3)
        twice = [_note(number % 700, text=f"{number}") for number in (*numbers, *numbers)]
        _write(engine, (row for row in twice))
        texts = {position: text for position, _, _, text in _stored(engine)}
        assert texts == {row["position"]: row["text"] for row in twice}


class TestRowsOnSqlite(OnSqlite, RowsContract):
    """In a file."""


class TestRowsOnPostgres(OnPostgres, RowsContract):
    """On a server."""


def _note(number: int, *, text: str) -> dict[str, object]:
    return {"position": number, "author": "op", "time": day(1), "text": text}


def _write(engine: Engine, rows: Iterable[RowValues]) -> None:
    with writing(engine) as connection:
        upsert(connection, _NOTE, rows)


def _stored(engine: Engine) -> list[tuple[object, ...]]:
    with engine.begin() as connection:
        rows = connection.execute(select(_NOTE).order_by(_NOTE.c.position, _NOTE.c.author))
        return [tuple(row) for row in rows]
