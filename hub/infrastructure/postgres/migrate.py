"""Bring a shard's schema to the newest revision.

Invariants: the revisions of one call are applied in one transaction or not at all; two callers take turns; a schema at the newest revision is left as
it is.
"""

from importlib.resources import files
from typing import Final

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config

from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.store_errors import translated

_SQL = queries("session")


HUB_TABLES: Final = "migrations"
KEY_TABLES: Final = "key_migrations"


def migrate(dsn: str, shard: int, *, revisions: str = HUB_TABLES) -> None:
    """Create schema `shard_<n>` where it is absent and apply what it lacks. Raises `StoreUnavailableError`."""
    database = ShardDatabase(dsn, shard)
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: _session(database), poolclass=sqlalchemy.NullPool
    )
    config = Config()
    config.set_main_option("script_location", str(files(__package__) / revisions))
    config.set_main_option("path_separator", "os")
    try:
        with translated(), engine.begin() as connection:
            connection.exec_driver_sql(_SQL["alone_in_migrating"].decode())
            connection.exec_driver_sql(_SQL["create_schema"].decode())
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except sqlalchemy.exc.DBAPIError as error:
        with translated():
            raise (error.orig if isinstance(error.orig, psycopg.Error) else error) from error


def _session(database: ShardDatabase) -> psycopg.Connection:
    session = database.connect(name="migrate")
    session.autocommit = False  # SQLAlchemy begins and ends the transaction
    return session
