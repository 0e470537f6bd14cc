"""The keys with which this unit opens what it was given: released by the hub's key service, each for all of a content key or for one message.

Invariants: the key of a message goes when that entry is erased, a content key when no entry under it is left; a key may come before its entries.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, select, union_all

from adapters.storage.many_rows import among
from adapters.storage.tables import CONTENT_KEY, JOURNAL, OPENING_KEY
from adapters.storage.upsert import upsert
from contracts.names import MessageId
from contracts.sealing.content_key import ContentKey

WHOLE = ""
"""In the place of a message's id: the content key itself."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens one entry: a content key, or the entry's own message key."""

    secret: bytes = field(repr=False)
    whole: bool

    @property
    def content_key(self) -> ContentKey:
        """The content key, where it is one."""
        return ContentKey(self.secret)


class OpeningKeys:
    """The released keys over one open connection, and this unit's own where it made the key itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, keys: Sequence[tuple[str, MessageId | None, bytes]], *, at: datetime) -> None:
        """Keep released keys, each with its content key's id and its message's where it opens that one alone; the same again changes nothing."""
        rows = [
            {"key_id": key_id, "message_id": message_id or WHOLE, "secret": secret, "received_at": at}
            for key_id, message_id, secret in keys
        ]
        upsert(self._connection, OPENING_KEY, rows)

    def of_entries(self, entries: Sequence[tuple[str, MessageId]]) -> Mapping[MessageId, Opening]:
        """What opens these, each given with the content key under which it came; those for which nothing was released are left out."""
        whole = self._whole({key_id for key_id, _ in entries})
        single = self._single([one for one in entries if one[0] not in whole])
        found = {message_id: whole.get(key_id) or single.get((key_id, message_id)) for key_id, message_id in entries}
        return {message_id: opening for message_id, opening in found.items() if opening is not None}

    def _whole(self, key_ids: Collection[str]) -> dict[str, Opening]:
        """Content keys: those that this unit made, and those that were released to it."""
        made = select(CONTENT_KEY.c.key_id, CONTENT_KEY.c.secret).where(among(CONTENT_KEY.c.key_id, key_ids))
        released = select(OPENING_KEY.c.key_id, OPENING_KEY.c.secret).where(
            among(OPENING_KEY.c.key_id, key_ids) & (OPENING_KEY.c.message_id == WHOLE)
        )
        rows = self._connection.execute(union_all(made, released))
        return {key_id: Opening(secret, whole=True) for key_id, secret in rows}

    def _single(self, entries: Sequence[tuple[str, MessageId]]) -> dict[tuple[str, MessageId], Opening]:
        """Keys of these messages alone."""
        if not entries:
            return {}
        under = among(OPENING_KEY.c.key_id, {key_id for key_id, _ in entries})
        named = among(OPENING_KEY.c.message_id, [message_id for _, message_id in entries])
        rows = self._connection.execute(select(OPENING_KEY).where(under & named))
        return {(row.key_id, MessageId(row.message_id)): Opening(row.secret, whole=False) for row in rows}

    def erase(self, key_ids: Sequence[str], message_ids: Sequence[MessageId]) -> None:
        """Take away the message keys of these entries, and of these content keys those under which no entry is left."""
        self._connection.execute(delete(OPENING_KEY).where(among(OPENING_KEY.c.message_id, message_ids)))
        for key_id in key_ids:
            left = select(JOURNAL.c.number).where((JOURNAL.c.sealed_under == key_id) & JOURNAL.c.payload.is_not(None))
            if self._connection.execute(left.limit(1)).first() is None:
                self._connection.execute(delete(OPENING_KEY).where(OPENING_KEY.c.key_id == key_id))
