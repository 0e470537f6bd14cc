"""Insert or replace by primary key, on SQLite and PostgreSQL alike."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that have all the same columns; a row with the same primary key is replaced in these columns."""
    if not rows:
        return
    statement = _statement(table, connection.dialect.name, tuple(rows[0]))
    connection.execute(statement, [dict(row) for row in rows])


@lru_cache(maxsize=64)
def _statement(table: Table, dialect: str, columns: tuple[str, ...]) -> Insert:
    """Made once: making it takes longer than SQLite does to run it."""
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    keys = [column.name for column in table.primary_key.columns]
    changed = {name: insert.excluded[name] for name in columns if name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=changed)
