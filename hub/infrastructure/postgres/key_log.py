"""The hub's log and mailbox as the key service sees them, on PostgreSQL.

Invariant: of the hub's tables this reads the log and what finds things in it, and deletes what it took out of the mailbox; it writes nothing else.
"""

from collections.abc import Mapping, Sequence

from contracts.names import MessageId, RecordKey, Source, UnitId
from hub.application.ports import Deposited, Head, Indexed, LogEntry, ReplayWish
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.log_recorder import LogRecorder
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session

_SQL = queries("key_log")
_FROM_THE_START = 1


class PostgresKeyLog:
    """`KeyLog` over a session on the hub's database."""

    def __init__(self, session: Session, mapper: EventMapper | None = None) -> None:
        self._session = session
        self._log = LogReading(session, mapper or EventMapper())
        self._recorder = LogRecorder(session)

    def head(self) -> Head:
        """The log's head row as committed now."""
        return self._recorder.head()

    def read(self, position: int, *, limit: int) -> Sequence[LogEntry]:
        """Committed events from `position` on, in order."""
        return self._log.read(position, limit=limit)

    def at(self, positions: Sequence[int]) -> Sequence[LogEntry]:
        """The events at these positions."""
        return self._log.at(positions)

    def load(self, keys: Sequence[RecordKey], *, below: int | None = None) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys in log order, or those before a position."""
        return self._log.load(keys, below=below)

    def find(self, ids: Sequence[tuple[Source, MessageId]]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of these messages came before."""
        return self._log.find(ids)

    def mailbox(self, *, below: int) -> Sequence[Deposited]:
        """Deposits of messages before this position, the oldest first."""
        with self._session.use() as connection:
            return [Deposited(*row) for row in connection.execute(_SQL["mailbox"], {"below": below}, binary=True)]

    def take_out(self, positions: Sequence[int]) -> None:
        """Delete these deposits."""
        if positions:
            with self._session.use() as connection:
                connection.execute(_SQL["take_out"], {"positions": list(positions)})

    def wishes(self) -> Sequence[tuple[int, ReplayWish]]:
        """Units that ask for their keys again."""
        with self._session.use() as connection:
            rows = connection.execute(_SQL["wishes"]).fetchall()
        return [(number, ReplayWish(UnitId(unit), _FROM_THE_START, own=own)) for number, unit, own in rows]

    def fulfil(self, numbers: Sequence[int]) -> None:
        """Delete these wishes."""
        with self._session.use() as connection:
            connection.execute(_SQL["fulfil"], {"numbers": list(numbers)})
