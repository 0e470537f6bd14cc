"""Writing and finding many rows at once, on SQLite and PostgreSQL alike.

Invariant: one statement carries at most `AT_ONCE` rows or values, since SQLite has a limit on parameters.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from projections.column_types import Instant

AT_ONCE: Final = 500

_T = TypeVar("_T")

RowValues = Mapping[str, Any]
_Process = Callable[[Any], Any]


def upsert(connection: Connection, table: Table, rows: Iterable[RowValues]) -> None:
    """Write rows that have all the same columns; of several with one primary key the last holds, and replaces a stored one in these columns.

    Rows are made as they are written: only so many are there at once as one statement carries.
    """
    keys = tuple(column.name for column in table.primary_key.columns)
    key_of = itemgetter(*keys)
    write = _write_document if connection.dialect.name == "postgresql" else _write_tuples
    for some in batches(rows):
        latest = {key_of(row): row for row in some}
        write(connection, table, keys, list(latest.values()))


def _write_document(connection: Connection, table: Table, keys: Sequence[str], rows: Sequence[RowValues]) -> None:
    """PostgreSQL: all rows as one JSON parameter; arrays cost twice as much, since every quote in them is escaped in Python."""
    names = tuple(map(str, rows[0]))  # SQLAlchemy's own names are a subclass, which orjson takes for no key
    written = [(name, process) for name in names if (process := _process(connection, table.c[name])) is not None]
    document = orjson.dumps([_written(row, names, written) for row in rows]).decode()
    connection.execute(_document_statement(table, tuple(keys), names), {"document": document})


@lru_cache(maxsize=64)
def _document_statement(table: Table, keys: tuple[str, ...], names: tuple[str, ...]) -> postgresql.Insert:
    given = func.json_to_recordset(cast(bindparam("document", type_=Text), JSON))
    written = given.table_valued(*(column(name, table.c[name].type) for name in names)).render_derived(
        name="written", with_types=True
    )
    insert = postgresql.insert(table).from_select(names, select(*written.c))
    return insert.on_conflict_do_update(index_elements=keys, set_=_changed(insert, names, keys))


def _written(row: RowValues, names: Sequence[str], processes: Sequence[tuple[str, _Process]]) -> dict[str, Any]:
    """What the row says; what is left out is empty."""
    values = {name: value for name in names if (value := row[name]) is not None}
    for name, process in processes:
        if name in values:
            values[name] = process(values[name])
    return values


def _write_tuples(connection: Connection, table: Table, keys: Sequence[str], rows: Sequence[RowValues]) -> None:
    """SQLite: the driver's own loop over tuples, since building parameters a row costs more than writing it."""
    statement, order = _tuples_statement(table, tuple(keys), tuple(rows[0]), connection.dialect)
    values = _bound(connection, table, order, rows)
    connection.exec_driver_sql(statement, list(zip(*values, strict=True)))


@lru_cache(maxsize=64)
def _tuples_statement(
    table: Table, keys: tuple[str, ...], names: tuple[str, ...], dialect: Dialect
) -> tuple[str, Sequence[str]]:
    """The statement, and the order of its values. Made once: for the few rows that come at a time it takes longer than writing them."""
    insert = sqlite.insert(table).values({name: bindparam(name, type_=table.c[name].type) for name in names})
    statement = insert.on_conflict_do_update(index_elements=keys, set_=_changed(insert, names, keys))
    compiled = statement.compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup or ())


def _bound(
    connection: Connection, table: Table, names: Iterable[str], rows: Sequence[RowValues]
) -> Iterator[Sequence[object]]:
    """The values of each column as the driver takes them."""
    for name in names:
        process = _process(connection, table.c[name])
        values = [row[name] for row in rows]
        yield values if process is None else [None if value is None else process(value) for value in values]


def _process(connection: Connection, of: Column[Any]) -> _Process | None:
    """How the driver wants a column's values; None where it takes them as they are."""
    kind = of.type
    if isinstance(kind, Instant):  # without SQLAlchemy's own wrapping, which takes as long again
        return kind.written
    return kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)


def _changed(
    insert: postgresql.Insert | sqlite.Insert, names: Iterable[str], keys: Sequence[str]
) -> dict[str, ColumnElement[Any]]:
    return {name: insert.excluded[name] for name in names if name not in keys}


def delete_where(connection: Connection, table: Table, column: ColumnElement[Any], values: Iterable[object]) -> None:
    """Delete the rows whose `column` is one of `values`."""
    for some in batches(values):
        connection.execute(delete(table).where(column.in_(some)))


def batches(values: Iterable[_T]) -> Iterator[Sequence[_T]]:
    """The values in lists of at most `AT_ONCE`."""
    remaining = iter(values)
    while some := list(islice(remaining, AT_ONCE)):
        yield some
