"""The last number given per record key.

Invariant: numbers of one record key run from 1 without a gap; one is given only in the transaction that puts its message into the outbox.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, delete, select

from adapters.storage.many_rows import one_of_keys, upsert_rows
from adapters.storage.tables import NUMBER, RENUMBERING
from adapters.storage.upsert import upsert
from contracts.names import RecordKey

_OF_KEYS: Final = select(NUMBER).where(one_of_keys(NUMBER.c.record_key))
_RENUMBERINGS: Final = select(RENUMBERING)


class Numbers:
    """Sequence numbers of this unit's messages."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def last(self, key: RecordKey) -> int:
        """The last number given, 0 for none."""
        return self.lasts([key]).get(key, 0)

    def lasts(self, keys: Sequence[RecordKey]) -> dict[RecordKey, int]:
        """The last numbers given; keys without any are left out."""
        rows = self._connection.execute(_OF_KEYS, {"keys": keys})
        return {RecordKey(row.record_key): row.last_sequence for row in rows}

    def set(self, lasts: Mapping[RecordKey, int]) -> None:
        """Remember the last numbers given."""
        upsert_rows(self._connection, NUMBER, {"record_key": list(lasts), "last_sequence": list(lasts.values())})

    def ask_renumbering(self, key: RecordKey, last_known_to_hub: int) -> None:
        """Nothing of this key is sent until it is numbered again behind what the hub has."""
        known = self.renumberings().get(key, 0)
        rows = [{"record_key": key, "last_sequence": max(known, last_known_to_hub)}]
        upsert(self._connection, RENUMBERING, rows)

    def renumberings(self) -> Mapping[RecordKey, int]:
        """Record keys to number again, each with the last number that the hub has."""
        rows = self._connection.execute(_RENUMBERINGS)
        return {RecordKey(row.record_key): row.last_sequence for row in rows}

    def renumbered(self, key: RecordKey) -> None:
        """The key may be sent again."""
        self._connection.execute(delete(RENUMBERING).where(RENUMBERING.c.record_key == key))
