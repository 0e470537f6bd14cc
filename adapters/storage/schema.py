"""The version of a unit's database and the steps that lead there.

Invariants: a database is either empty or says its version; an empty one gets the tables as they are now, an older one the steps in order, all in one
transaction; a database of a newer adapter is refused and left alone. Not alembic: an adapter's commands start often, on small machines, and importing
it takes longer than a command should.

A change of the tables raises `VERSION` and adds a function to `STEPS` under that number; steps once published are never edited.
"""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection, insert, inspect, select, update
from sqlalchemy.schema import CreateColumn, DropIndex

from adapters.errors import AdapterError
from adapters.storage.tables import JOURNAL, METADATA, OUTBOX, SCHEMA_VERSION

VERSION: Final = 9

Steps = Mapping[int, Callable[[Connection], None]]


def _add_tables(connection: Connection) -> None:
    """This version has more tables than the one before, which stay as they are."""
    METADATA.create_all(connection)


def _add_sealing(connection: Connection) -> None:
    """Version 4 keeps keys, and what they open: new tables, and columns that are empty in every row of before."""
    METADATA.create_all(connection)
    known = {column["name"] for column in inspect(connection).get_columns(JOURNAL.name)}
    if JOURNAL.c.opened.name in known:
        return  # the whole table was made by a step before
    for column in (OUTBOX.c.deposit, JOURNAL.c.sealed_under, JOURNAL.c.opened):
        written = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {written}")
    next(index for index in JOURNAL.indexes if index.name == "journal_sealed").create(connection)


def _add_batches(connection: Connection) -> None:
    """Version 8 keeps once what a batch shares, and indexes only what came sealed. What was signed before stays as it was written."""
    METADATA.create_all(connection)
    known = {column["name"] for column in inspect(connection).get_columns(OUTBOX.name)}
    for column in (OUTBOX.c.batch, OUTBOX.c.place):
        if column.name not in known:  # else the whole table was made by a step before
            written = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {written}")
    sealed = next(index for index in JOURNAL.indexes if index.name == "journal_sealed")
    sealed.drop(connection)
    sealed.create(connection)


def _index_starts(connection: Connection) -> None:
    """Version 9 indexes the start of subjects and record keys, and of what shapes the state the whole subject."""
    for index in sorted(OUTBOX.indexes | JOURNAL.indexes, key=lambda one: str(one.name)):
        if index.name in {"outbox_key", "journal_subject", "journal_shaping"}:
            connection.execute(DropIndex(index, if_exists=True))
            index.create(connection)


STEPS: Final[Steps] = {
    2: _add_tables,
    3: _add_tables,
    4: _add_sealing,
    5: _add_tables,
    6: _add_tables,
    7: _add_tables,
    8: _add_batches,
    9: _index_starts,
}
"""By the version that each step leads to; the first one that is needed leads to version 2."""


class NewerDatabaseError(AdapterError):
    """The database was written by a newer adapter."""

    def __init__(self, version: int, known: int) -> None:
        super().__init__(
            f"This database has version {version}, this adapter knows {known}",
            advice="Install the newer adapter again, or restore the backup made before it.",
        )
        self.version = version


def version_of(connection: Connection) -> int:
    """0 for an empty database."""
    if not inspect(connection).has_table(SCHEMA_VERSION.name):
        return 0
    return connection.execute(select(SCHEMA_VERSION.c.version)).scalar_one_or_none() or 0


def upgrade(connection: Connection, *, version: int = VERSION, steps: Steps = STEPS) -> None:
    """Bring the database to this adapter's version, within the caller's transaction. Raises `NewerDatabaseError`."""
    found = version_of(connection)
    if found > version:
        raise NewerDatabaseError(found, version)
    if found == 0:
        METADATA.create_all(connection)
        connection.execute(insert(SCHEMA_VERSION).values(version=version))
        return
    for number in range(found + 1, version + 1):
        steps[number](connection)
    if found < version:
        connection.execute(update(SCHEMA_VERSION).values(version=version))
