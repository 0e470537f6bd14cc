"""Records of the feed that cannot be taken for what they say: kept whole, with the reason, for the operator and for another look.

Invariants: nothing here was taken for an entry; the same bytes for the same reason stand here once; an item leaves only when it could be settled
after all (a newer trust list knows its author's key).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, delete, func, select

from adapters.storage.tables import SUSPICIOUS
from adapters.storage.upsert import upsert


@dataclass(frozen=True, slots=True)
class SuspiciousRecord:
    """One record as it lay on the topic; `reason` is an `adapters.exchange.feed_check.Suspicion`, or an alarm of the directory."""

    topic: str
    partition: int
    offset: int
    reason: str
    value: bytes
    received_at: datetime

    @property
    def digest(self) -> str:
        """SHA-256 of the record's value, in hex."""
        return sha256(self.value).hexdigest()


class Suspicious:
    """The records over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, record: SuspiciousRecord) -> None:
        """Keep a record."""
        row = {
            "digest": record.digest,
            "reason": record.reason,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "value": record.value,
            "received_at": record.received_at,
        }
        upsert(self._connection, SUSPICIOUS, [row])

    def of_reason(self, reason: str) -> Sequence[SuspiciousRecord]:
        """The records kept for one reason, in the order in which they came."""
        chosen = select(SUSPICIOUS).where(SUSPICIOUS.c.reason == reason)
        rows = self._connection.execute(chosen.order_by(SUSPICIOUS.c.received_at, SUSPICIOUS.c.offset))
        return [
            SuspiciousRecord(row.topic, row.partition, row.offset, row.reason, row.value, row.received_at)
            for row in rows
        ]

    def settled(self, record: SuspiciousRecord) -> None:
        """It could be taken in after all."""
        same = (SUSPICIOUS.c.digest == record.digest) & (SUSPICIOUS.c.reason == record.reason)
        self._connection.execute(delete(SUSPICIOUS).where(same))

    def counts(self) -> Mapping[str, int]:
        """How many there are, by reason."""
        rows = self._connection.execute(select(SUSPICIOUS.c.reason, func.count()).group_by(SUSPICIOUS.c.reason))
        return {reason: count for reason, count in rows}  # noqa: C416 - dict() of a result is untyped
