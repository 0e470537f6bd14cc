"""One build of a read model's tables, and the views by which everybody reads the build that serves.

Invariants: `timeline_entry_7` belongs to build 7 alone; `timeline_entry` is a view on the serving build, so a swap is one transaction and the
views of local systems go on reading through it; a build's indexes bear its number, since index names are unique in a database.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, MetaData, Table, inspect, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateView, DropView
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.sql.elements import quoted_name


class Build:
    """The tables of one build. Made by `build_of`."""

    def __init__(self, metadata: MetaData, number: int) -> None:
        self.number = number
        self._own = MetaData()
        self._tables = {table: _numbered(table, self._own, number) for table in metadata.sorted_tables}

    def __getitem__(self, table: Table) -> Table:
        """The build's own table for one of the read model's."""
        return self._tables[table]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the build's tables, to be dropped when another build has taken its place."""
        return tuple(table.name for table in self._tables.values())

    def create(self, connection: Connection) -> None:
        """Make the empty tables."""
        self._own.create_all(connection, checkfirst=False)

    def serve(self, connection: Connection) -> None:
        """Point the views at this build."""
        for shown, own in self._tables.items():
            _show(connection, shown, own)


def _numbered(table: Table, metadata: MetaData, number: int) -> Table:
    copy = table.to_metadata(metadata, name=f"{table.name}_{number}")
    for index in copy.indexes:
        index.name = quoted_name(f"{index.name}_{number}", quote=None)
    return copy


class _DropWithReaders(DropView):
    """Drops a view whose columns change, and on PostgreSQL the views that read it, which would hold it fast: `served` makes ours again."""


@compiles(_DropWithReaders, "postgresql")
def _cascading(element: _DropWithReaders, compiler: DDLCompiler, **given: Any) -> str:  # noqa: ANN401 - the compiler's own
    del given
    name = compiler.preparer.format_table(element.element)
    return f"DROP VIEW IF EXISTS {name} CASCADE"


def _show(connection: Connection, shown: Table, own: Table) -> None:
    """Replace the view in place where the database can, so that readers wait for the swap and never miss the view."""
    rows = select(*own.c)
    inspector = inspect(connection)
    exists = shown.name in inspector.get_view_names()
    before = [str(column["name"]) for column in inspector.get_columns(shown.name)] if exists else []
    appended = [column.name for column in own.c][: len(before)] == before
    if connection.dialect.name == "postgresql" and appended:
        connection.execute(CreateView(rows, shown.name, or_replace=True))
        return
    connection.execute(_DropWithReaders(shown, if_exists=True))
    connection.execute(CreateView(rows, shown.name))


@lru_cache(maxsize=64)
def build_of(metadata: MetaData, number: int) -> Build:
    """The build with this number of a read model's tables."""
    return Build(metadata, number)


def drop(connection: Connection, names: Iterable[str]) -> None:
    """Drop the tables of a build that no longer serves, whatever version it was."""
    for name in names:
        Table(name, MetaData()).drop(connection, checkfirst=True)
