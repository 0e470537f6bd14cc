"""What a unit's databases hold, read by the unit's own key: for tests that look for a word where it may be, or must not be even there."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from adapters.process.unit_databases import FILES, UnitDatabases
from contracts.names import UnitId

_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'"


def cells(folder: Path) -> Iterator[bytes]:
    """Every cell of every table of a unit, as bytes."""
    databases = UnitDatabases.as_they_lie(folder, UnitId(folder.name))
    for which, file in FILES.items():
        if not (folder / file).exists():
            continue
        with closing(databases.look_into(which)) as connection:
            for (table,) in connection.execute(_TABLES).fetchall():
                for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - a table of its own
                    yield from (cell if isinstance(cell, bytes) else str(cell).encode() for cell in row)
