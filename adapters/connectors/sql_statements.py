"""The statements of a poll, in SQLAlchemy Core, so that they are the same on PostgreSQL, SQLite, MariaDB and SQL Server. Pure.

Invariants: rows come in pages in the order of cursor and key, each page asked for behind the last row of the one before, in a transaction of its own:
no long transaction stands in the way of the local system; a row without cursor is read at every poll, and so is one without key, which is refused and
named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, and_, column, func, literal_column, or_, select, table, text

from adapters.connectors.sql_tables import DatabaseTable

PAGE: Final = 1000
"""Rows a transaction."""


def asked(of: DatabaseTable, columns: Sequence[str] = ()) -> FromClause:
    """The table, or the query as one."""
    if of.query is not None:
        return text(of.query).columns(*[column(one) for one in columns]).subquery("asked")
    schema, _, name = (of.table or "").rpartition(".")
    return table(name, *[column(one) for one in columns], schema=schema or None)


def names_of(of: DatabaseTable) -> Select[Any]:
    """No row, but the names of all columns."""
    return select(literal_column("*")).select_from(asked(of)).limit(0)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one pass over a table reads: named columns by names as the database has them."""

    of: DatabaseTable
    columns: Sequence[str]
    key: Sequence[str]
    cursor: str | None
    begin: Any = None
    """The cursor's value at which the pass begins; None: everything."""
    end: Any = None
    """The highest value at its begin: what changes meanwhile comes with the next poll."""

    def _source(self) -> FromClause:
        return asked(self.of, self.columns)

    @property
    def order(self) -> tuple[str, ...]:
        """Cursor and key: what makes the rows' order whole."""
        return tuple(dict.fromkeys([*([] if self.cursor is None else [self.cursor]), *self.key]))

    def _within(self) -> list[ColumnElement[bool]]:
        if self.cursor is None:
            return []
        cursor = _column(self.cursor)
        conditions: list[ColumnElement[bool]] = [cursor.is_not(None)]
        if self.begin is not None:
            conditions.append(cursor >= self.begin)
        if self.end is not None:
            conditions.append(cursor <= self.end)
        return conditions

    def highest(self, up_to: Any = None) -> Select[Any]:  # noqa: ANN401 - a value of the cursor
        """The highest value of the cursor now, of those up to a limit where one is given."""
        cursor = _column(self.cursor or "")
        found = select(func.max(cursor)).select_from(self._source())
        return found if up_to is None else found.where(cursor <= up_to)

    def count(self) -> Select[Any]:
        """How many rows the pass will read."""
        counted = select(func.count()).select_from(self._source())
        if self.cursor is None:
            return counted
        return counted.where(or_(and_(*self._within()), column(self.cursor).is_(None)))

    def page(self, behind: Sequence[Any] | None) -> Select[Any]:
        """The next rows behind the last one's cursor and key."""
        order = [_column(name) for name in self.order]
        wanted = self._chosen().where(*self._within(), *[column(name).is_not(None) for name in self.key])
        if behind is not None:
            wanted = wanted.where(_behind(order, behind))
        return wanted.order_by(*order).limit(PAGE)

    def without_cursor(self, behind: Sequence[Any] | None) -> Select[Any]:
        """The next rows whose cursor is empty, behind the last one's key."""
        order = [_column(name) for name in self.key]
        wanted = self._chosen().where(
            column(self.cursor or "").is_(None), *[column(name).is_not(None) for name in self.key]
        )
        if behind is not None:
            wanted = wanted.where(_behind(order, behind))
        return wanted.order_by(*order).limit(PAGE)

    def without_key(self) -> Select[Any]:
        """Some rows whose key is empty somewhere: they are refused, each with its reason."""
        within = self._within()
        wanted = self._chosen().where(or_(*[column(name).is_(None) for name in self.key]))
        return (wanted if not within else wanted.where(*within)).limit(PAGE)

    def _chosen(self) -> Select[Any]:
        chosen: Select[Any] = select(*[_column(name) for name in self.columns])
        return chosen.select_from(self._source())


def _column(name: str) -> ColumnElement[Any]:
    return column(name)


def _behind(order: Sequence[ColumnElement[Any]], last: Sequence[Any]) -> ColumnElement[bool]:
    """Rows that sort behind `last`: written out, since SQL Server compares no tuples."""
    alternatives = [
        and_(*[order[before] == last[before] for before in range(place)], order[place] > last[place])
        for place in range(len(order))
    ]
    return or_(*alternatives)
