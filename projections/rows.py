"""Writing and finding many rows at once, on SQLite and PostgreSQL alike.

Invariant: one statement carries at most `AT_ONCE` values, since SQLite has a limit on parameters.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, delete
from sqlalchemy.dialects import postgresql, sqlite

AT_ONCE: Final = 500

_T = TypeVar("_T")

RowValues = Mapping[str, Any]


def upsert(connection: Connection, table: Table, rows: Iterable[RowValues]) -> None:
    """Write rows that have all the same columns; of several with one primary key the last holds, and replaces a stored one in these columns."""
    keys = [column.name for column in table.primary_key.columns]
    latest = {tuple(row[key] for key in keys): row for row in rows}
    if not latest:
        return
    values = list(latest.values())
    insert = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    changed = {name: insert.excluded[name] for name in values[0] if name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed), values)


def delete_where(connection: Connection, table: Table, column: ColumnElement[Any], values: Iterable[object]) -> None:
    """Delete the rows whose `column` is one of `values`."""
    for some in batches(values):
        connection.execute(delete(table).where(column.in_(some)))


def batches(values: Iterable[_T]) -> Iterator[Sequence[_T]]:
    """The values in lists of at most `AT_ONCE`."""
    remaining = iter(values)
    while some := list(islice(remaining, AT_ONCE)):
        yield some
