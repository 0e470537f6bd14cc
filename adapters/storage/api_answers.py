"""What requests of the local API were answered, by their idempotency key.

Invariants: an answer is stored in the transaction that did what was asked, so a request that is sent again after any crash is done once; a key stands
for one request of one token, for as long as answers are kept.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from adapters.storage.api_tables import API_ANSWER


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer, and the digest of the request that it answers."""

    request: bytes
    status: int
    body: bytes


class ApiAnswers:
    """The answers over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, token_id: str, key: str) -> KeptAnswer | None:
        """What was answered under this key; None where it is new."""
        chosen = (API_ANSWER.c.token_id == token_id) & (API_ANSWER.c.key == key)
        row = self._connection.execute(select(API_ANSWER).where(chosen)).one_or_none()
        return None if row is None else KeptAnswer(row.request, row.status, row.body)

    def keep(self, token_id: str, key: str, answer: KeptAnswer, *, at: datetime) -> None:
        """Store an answer under a new key."""
        self._connection.execute(
            insert(API_ANSWER).values(
                token_id=token_id,
                key=key,
                request=answer.request,
                status=answer.status,
                body=answer.body,
                answered_at=at,
            )
        )

    def forget(self, before: datetime) -> int:
        """Drop answers older than that; returns how many."""
        return self._connection.execute(delete(API_ANSWER).where(API_ANSWER.c.answered_at < before)).rowcount
