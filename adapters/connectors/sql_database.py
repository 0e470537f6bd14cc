"""A database behind the port of every connector: its tables and queries by the names of the mapping, from a cursor on or whole.

Invariants: those of the port; a page of rows is in memory and no more, and no transaction is open while a page is worked on; a row is named by its
key, by which a person finds it in the local system; a cell's text is what the same cell has in a CSV file of the mapping's format. A table that is
also joined is read whole, whatever its cursor.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select

from adapters.connectors import sql_cursor
from adapters.connectors.cell_text import text_of
from adapters.connectors.file_format import FileFormat
from adapters.connectors.header import plain
from adapters.connectors.mapped_columns import is_joined, wanted_columns
from adapters.connectors.mapping import Lookup, Origin, Source
from adapters.connectors.mapping import Mapping as MappingFile
from adapters.connectors.record_table import REPORT_EVERY, Progress, Record, RecordTable, Refuse
from adapters.connectors.refusal import Refusal, RefusalReason
from adapters.connectors.sql_access import DatabaseError, SqlAccess
from adapters.connectors.sql_cursor import CursorError, Overlap, Value
from adapters.connectors.sql_statements import Reading, names_of
from adapters.connectors.sql_tables import DatabaseTable

_DIGEST_BYTES: Final = 12
Cells = Mapping[str, Any]
Highest = Mapping[str, Value]
"""By table: how far it was read."""


@dataclass(frozen=True, slots=True)
class Since:
    """From where a poll reads: how far each table was read, and the moment of the poll."""

    now: datetime
    highest: Highest = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What a mapping reads of one table, and from where on."""

    of: DatabaseTable
    settings: FileFormat
    wanted: frozenset[str]
    key: tuple[str, ...]
    now: datetime
    since: Value | None


class SqlTable:
    """One table or query of a database."""

    def __init__(self, access: SqlAccess, name: str, plan: TablePlan) -> None:
        self.name = name
        self.rows = 0
        self.unmapped: tuple[str, ...] = ()
        self.read_up_to: Value | None = None
        """Where the cursor stood when reading began; None before, and without a cursor."""
        self._access = access
        self._plan = plan
        self._end: Value | None = None
        self._reported = False
        self._columns: dict[str, str] = {}

    def size(self) -> int | None:
        """How many rows this pass will read; None where the database does not say."""
        with suppress(DatabaseError):
            reading = self._reading()
            with self._access.reading() as connection:
                return int(connection.scalar(reading.count()) or 0)
        return None

    def read(self, refuse: Refuse, progress: Progress | None = None) -> Iterator[Record]:
        """All rows from the cursor on. Raises `DatabaseError` where the database does not answer: unlike a file it comes back."""
        report = (lambda _: None) if self._reported else refuse
        counting, self._reported = not self._reported, True
        reading = self._reading()
        for name in sorted(name for name in self._plan.wanted if plain(name) not in self._columns):
            report(Refusal(self.name, 0, name, "", RefusalReason.COLUMN_MISSING))
        if not self._has(self._plan.key):
            return
        for number, cells in enumerate(self._rows(reading), start=1):
            self.rows += counting
            yield self._record(cells)
            if progress and number % REPORT_EVERY == 0:
                progress(number)

    def _reading(self) -> Reading:
        """What one pass reads; all passes end where the cursor stood at the first."""
        self._learn_columns()
        reading = self._planned()
        if reading.cursor is not None and self._end is None:
            self._end, self.read_up_to = self._highest(reading)
            reading = self._planned()
        return reading

    def _learn_columns(self) -> None:
        if self._columns:
            return
        cursor = self._plan.of.cursor
        with self._access.reading() as connection:
            found = list(connection.execute(names_of(self._plan.of)).keys())
        self._columns = {plain(name): name for name in found}
        known = {plain(name) for name in (*self._plan.wanted, cursor or "")}
        self.unmapped = tuple(name for name in found if plain(name) not in known)
        if cursor is not None and not self._has([cursor]):
            raise DatabaseError(f"{self.name} has no column {cursor}", advice="Correct `cursor` in the mapping")

    def _has(self, names: Iterable[str]) -> bool:
        return all(plain(name) in self._columns for name in names)

    def _planned(self) -> Reading:
        plan, columns = self._plan, self._columns
        cursor = None if plan.of.cursor is None else columns[plain(plan.of.cursor)]
        overlap = Overlap(plan.of.overlap_minutes, plan.of.overlap_numbers)
        read = {columns[plain(name)] for name in plan.wanted if plain(name) in columns}
        return Reading(
            of=plan.of,
            columns=sorted(read | ({cursor} if cursor else set())),
            key=tuple(dict.fromkeys(columns[plain(name)] for name in plan.key if plain(name) in columns)),
            cursor=cursor,
            begin=None if plan.since is None else sql_cursor.begin_at(plan.since, overlap),
            end=self._end,
        )

    def _highest(self, reading: Reading) -> tuple[Value | None, Value | None]:
        """The cursor's highest value, and the highest that is not in the future."""
        with self._access.reading() as connection:
            highest = connection.scalar(reading.highest())
            if highest is None:
                return None, None
            if not sql_cursor.usable(highest):
                raise CursorError(self.name, reading.cursor or "")
            return highest, connection.scalar(reading.highest(sql_cursor.ceiling(highest, self._plan.now)))

    def _rows(self, reading: Reading) -> Iterator[Cells]:
        yield from self._page(reading.without_key())
        if reading.cursor is not None:
            yield from self._pages(reading.without_cursor, reading.key)
        yield from self._pages(reading.page, reading.order)

    def _pages(
        self, page_behind: Callable[[Sequence[Any] | None], Select[Any]], order: Sequence[str]
    ) -> Iterator[Cells]:
        behind: list[Any] | None = None
        while page := self._page(page_behind(behind)):
            behind = [page[-1][name] for name in order]
            yield from page

    def _page(self, statement: Select[Any]) -> list[Cells]:
        with self._access.reading() as connection:
            return [_cells(row) for row in connection.execute(statement)]

    def _record(self, cells: Cells) -> Record:
        empty, settings = self._plan.settings.empty, self._plan.settings
        texts = {
            name: text_of(cells[self._columns[plain(name)]], settings).strip()
            for name in self._plan.wanted
            if plain(name) in self._columns
        }
        if empty:
            texts = {name: "" if value in empty else value for name, value in texts.items()}
        joined = "\x1f".join(texts[name] for name in sorted(texts))
        digest = hashlib.blake2b(joined.encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()
        return Record("/".join(texts.get(name, "") for name in self._plan.key), texts, digest)


def _cells(row: Row[Any]) -> Cells:
    return dict(row._mapping)  # noqa: SLF001 - the documented way to a row's names, in spite of its underscore


class SqlDatabase:
    """The tables and queries of one database that a mapping reads. Close it at the end. Raises `DatabaseError`."""

    missing: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()

    def __init__(self, access: SqlAccess, mapping: MappingFile, since: Since) -> None:
        self.access = access
        known = {} if mapping.database is None else mapping.database.tables
        origins = mapping.origins()
        if unknown := [name for name in origins if name not in known]:
            raise DatabaseError(
                f"The mapping {mapping.mapping} does not say where {', '.join(unknown)} is in a database",
                advice="Name its table or query in the mapping, under database: tables:",
            )
        joined = {lookup.table_name for lookup in mapping.lookups.values()}
        self.sql_tables = {
            name: SqlTable(
                access,
                name,
                TablePlan(
                    of=known[name],
                    settings=mapping.format_of(name),
                    wanted=wanted_columns(mapping, name),
                    key=_key_of(origin),
                    now=since.now,
                    since=None if name in joined else since.highest.get(name),
                ),
            )
            for name, origin in origins.items()
        }
        self.tables: Mapping[str, RecordTable] = self.sql_tables

    def read_up_to(self) -> Highest:
        """How far each table with a cursor was read."""
        return {name: one.read_up_to for name, one in self.sql_tables.items() if one.read_up_to is not None}

    def close(self) -> None:
        """Close all connections."""
        self.access.close()


def _key_of(origin: Origin) -> tuple[str, ...]:
    named = origin.key if isinstance(origin, Source | Lookup) else ()
    key = tuple(name for name in named if not is_joined(name, getattr(origin, "joins", {})))
    if not key:
        raise DatabaseError(
            f"The key of {origin.table_name} is in other tables alone", advice="Name a key of the table itself"
        )
    return key
