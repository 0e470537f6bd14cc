"""Reading the dead letters that a shard keeps, for the operator."""

from dataclasses import dataclass

from contracts.codes import DeadLetterReason
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase

_SQL = queries("dead_letters")


@dataclass(frozen=True, slots=True)
class BuriedLetter:
    """One dead letter without its content."""

    topic: str
    partition: int
    offset: int
    reason: DeadLetterReason
    size: int
    digest: bytes

    def document(self) -> dict[str, object]:
        """For machines."""
        return {
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "reason": self.reason,
            "size": self.size,
            "digest": self.digest.hex(),
        }


class DeadLetterReader:
    """Looks into one shard."""

    def __init__(self, database: ShardDatabase) -> None:
        self._session = Session(database, name="dead-letters")

    def newest(self, limit: int) -> list[BuriedLetter]:
        """The newest first. Raises `StoreUnavailableError`."""
        with self._session.use() as connection:
            rows = connection.execute(_SQL["newest"], {"limit": limit}).fetchall()
        return [BuriedLetter(row[0], row[1], row[2], DeadLetterReason(row[3]), row[4], bytes(row[5])) for row in rows]
