"""The hub's read models of one shard: access history and obligations, in a schema of their own beside the shard's.

Invariants: the schema is `projections_<n>`, since positions are a shard's own; position and rows commit together (`projections.runner`); the database
being away is a `StoreUnavailableError`, as everywhere in the hub.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeVar

import psycopg
import sqlalchemy
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from hub.infrastructure.postgres.follower_store import FollowerStore
from hub.infrastructure.postgres.log_source import LogSource
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.store_errors import translated
from projections.access_history import AccessHistory
from projections.obligations import Obligations
from projections.parsed import ParsedLogItem, parse_log
from projections.runner import Lag, Runner
from projections.source import LogItem

MODELS: Final = ("access-history", "obligations")
"""What `spojka-hub projections rebuild` may name."""

_CHUNK: Final = 1000
"""Events per transaction: fewer than at a unit, since their messages are kept whole until it ends."""

_AnswerT = TypeVar("_AnswerT")


class ReadModels:
    """Builds and asks the read models of one shard; without `mapper` it only asks, or reads a log in clear.

    Methods raise `StoreUnavailableError`, `ProjectionsError`.
    """

    def __init__(self, database: ShardDatabase, mapper: EventMapper | None = None) -> None:
        self._database = database
        self._schema = f"projections_{database.shard}"
        self._follower = FollowerStore(database, "projections", mapper)
        self._engine: Engine = create_engine("postgresql+psycopg://", creator=self._connect, pool_size=2)
        self._runner = Runner[LogItem, ParsedLogItem](
            self._engine,
            LogSource(self._follower),
            parse=parse_log,
            projections=[AccessHistory(), Obligations()],
            chunk=_CHUNK,
        )

    def prepare(self) -> None:
        """Make schema and tables where they are missing; begin a rebuild where a version was raised."""
        with _translated():
            with self._engine.begin() as connection:
                if not sqlalchemy.inspect(connection).has_schema(self._schema):  # who may not make it was given it
                    connection.execute(sqlalchemy.schema.CreateSchema(self._schema, if_not_exists=True))
            self._runner.prepare()

    def step(self) -> int:
        """Apply the next chunk; returns how many events were read."""
        with _translated():
            return self._runner.step()

    def catch_up(self) -> None:
        """Step until nothing is left and no rebuild is under way."""
        with _translated():
            self._runner.catch_up()

    def rebuild(self, name: str) -> None:
        """Begin a build from zero beside the one that serves; whoever steps carries it on."""
        with _translated():
            self._runner.rebuild(name)

    def lag(self, now: datetime) -> dict[str, Lag]:
        """How far each read model is behind the log."""
        with _translated():
            return dict(self._runner.lag(now))

    def ask(self, question: Callable[[Connection], _AnswerT]) -> _AnswerT:
        """Ask within one transaction."""
        with _translated(), self._engine.begin() as connection:
            return question(connection)

    def wait_for_events(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for a commit to the log."""
        return self._follower.wait_for_events(timeout)

    def close(self) -> None:
        """End all sessions."""
        self._engine.dispose()
        self._follower.close()

    def _connect(self) -> psycopg.Connection:
        given = conninfo_to_dict(self._database.dsn).get("options") or ""
        return psycopg.connect(
            self._database.dsn,
            options=f"{given} -c search_path={self._schema} -c TimeZone=UTC".strip(),
            application_name=f"spojka-projections-{self._database.shard}",
            connect_timeout=self._database.settings.connect_seconds,
        )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        with translated():
            yield
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error):
            raise
        with translated():
            raise error.orig from error
