"""The messages that a shard has parked, for the operator: to look at, and to ask the writer about.

Invariant: nothing is decided here; what the operator asks is a row that the shard's writer finds at its next step, or the next writer when it comes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.names import MessageId, RecordKey, Source
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase

_SQL = queries("parked")


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """One parked message without its content."""

    key: RecordKey
    source: Source
    message_id: MessageId
    fault: str
    """What was met, or that it stands behind another."""
    at: datetime
    size: int

    def document(self) -> dict[str, object]:
        """For machines."""
        return {
            "key": self.key,
            "source": self.source,
            "message_id": self.message_id,
            "fault": self.fault,
            "at": self.at.isoformat(),
            "size": self.size,
        }


class ParkedMessages:
    """Looks into one shard. All methods raise `StoreUnavailableError`."""

    def __init__(self, database: ShardDatabase) -> None:
        self._session = Session(database, name="parked")

    def all(self) -> list[ParkedMessage]:
        """By key, in the order in which they came."""
        with self._session.use() as connection:
            rows = connection.execute(_SQL["all"]).fetchall()
        return [ParkedMessage(*row) for row in rows]

    def ask(self, key: RecordKey, verb: Literal["retry", "refuse", "refuse-first"]) -> None:
        """Ask the writer to decide, or to refuse, what is parked under a key."""
        with self._session.use() as connection:
            connection.execute(_SQL["ask"], {"key": key, "verb": verb})

    def asked(self, key: RecordKey) -> bool:
        """Whether a wish about this key is still to be fulfilled."""
        with self._session.use() as connection:
            row = connection.execute(_SQL["asked"], {"key": key}).fetchone()
        return bool(row and row[0])

    def close(self) -> None:
        """End the session."""
        self._session.close()
