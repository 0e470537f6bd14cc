"""Tokens of the local API of one unit, as they are kept: by digest, with scopes, until they expire or are revoked.

Invariants: a row is never deleted, so that a list shows what once was let in; a revoked token stays revoked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from adapters.storage.api_tables import API_TOKEN


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token without its secret."""

    token_id: str
    digest: bytes
    label: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def valid_for(self) -> timedelta | None:
        """From its making to its end; None where it has none."""
        return None if self.expires_at is None else self.expires_at - self.created_at

    def valid(self, at: datetime) -> bool:
        """True while it lets somebody in."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class ApiTokens:
    """The tokens over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, token: KeptToken) -> None:
        """Keep a new one."""
        self._connection.execute(
            insert(API_TOKEN).values(
                token_id=token.token_id,
                digest=token.digest,
                label=token.label,
                scopes=" ".join(sorted(token.scopes)),
                created_at=token.created_at,
                expires_at=token.expires_at,
                revoked_at=token.revoked_at,
            )
        )

    def find(self, token_id: str) -> KeptToken | None:
        """One token, whatever became of it."""
        row = self._connection.execute(select(API_TOKEN).where(API_TOKEN.c.token_id == token_id)).one_or_none()
        return None if row is None else _token(row)

    def all(self) -> Sequence[KeptToken]:
        """Every token, the oldest first."""
        rows = select(API_TOKEN).order_by(API_TOKEN.c.created_at, API_TOKEN.c.token_id)
        return [_token(row) for row in self._connection.execute(rows)]

    def revoke(self, token_id: str, *, at: datetime) -> None:
        """It lets nobody in from now on."""
        row = update(API_TOKEN).where((API_TOKEN.c.token_id == token_id) & API_TOKEN.c.revoked_at.is_(None))
        self._connection.execute(row.values(revoked_at=at))

    def end(self, token_id: str, *, at: datetime) -> None:
        """It ends at `at`, or before, as it did already."""
        later = API_TOKEN.c.expires_at.is_(None) | (API_TOKEN.c.expires_at > at)
        row = update(API_TOKEN).where((API_TOKEN.c.token_id == token_id) & later)
        self._connection.execute(row.values(expires_at=at))


def _token(row: Row[Any]) -> KeptToken:
    return KeptToken(
        token_id=row.token_id,
        digest=row.digest,
        label=row.label,
        scopes=frozenset(row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
