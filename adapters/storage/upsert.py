"""Insert or replace by primary key, on SQLite and PostgreSQL alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from adapters.storage.many_rows import upsert_rows


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that have all the same columns; a row with the same primary key is replaced in these columns."""
    if rows:
        upsert_rows(connection, table, {name: [row[name] for row in rows] for name in rows[0]})
