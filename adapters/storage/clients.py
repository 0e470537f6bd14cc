"""Which subject stands for which of this unit's clients.

Invariants: one subject a client and one client a subject; a subject is drawn from the operating system's random source, never from anything about
the person; this map exists nowhere else, so it is what a backup is for.
"""

import secrets
from base64 import b32encode
from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from adapters.drafts import ClientKey
from adapters.storage.many_rows import Columns, Same, among, insert_rows, one_of_keys
from adapters.storage.tables import CLIENT
from contracts.names import SubjectId

_OF_CLIENTS: Final = select(CLIENT.c.client_key, CLIENT.c.subject).where(one_of_keys(CLIENT.c.client_key))
_BYTES: Final = 17
_CHARACTERS: Final = 26
"""130 bits (STANDARDS, names and limits)."""


def random_subject() -> SubjectId:
    """A fresh subject: `r1.` and 26 base32 characters from a cryptographic source."""
    return SubjectId("r1." + b32encode(secrets.token_bytes(_BYTES)).decode().lower()[:_CHARACTERS])


class Clients:
    """The map of clients over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def subject_of(self, client: ClientKey) -> SubjectId | None:
        """The subject of a client, None for one that was never named."""
        found = self._connection.execute(select(CLIENT.c.subject).where(CLIENT.c.client_key == client))
        subject = found.scalar_one_or_none()
        return None if subject is None else SubjectId(subject)

    def client_of(self, subject: SubjectId) -> ClientKey | None:
        """The client behind a subject, None for one that came by feed and was not adopted."""
        found = self._connection.execute(select(CLIENT.c.client_key).where(CLIENT.c.subject == subject))
        client = found.scalar_one_or_none()
        return None if client is None else ClientKey(client)

    def link(self, client: ClientKey, subject: SubjectId, *, at: datetime) -> None:
        """Join a client, not yet linked, with a subject."""
        self._connection.execute(insert(CLIENT).values(client_key=client, subject=subject, linked_at=at))

    def relink(self, client: ClientKey, subject: SubjectId, *, at: datetime) -> None:
        """Give a client another subject."""
        changed = update(CLIENT).where(CLIENT.c.client_key == client).values(subject=subject, linked_at=at)
        self._connection.execute(changed)

    def ensure(self, clients: Collection[ClientKey], *, at: datetime) -> dict[ClientKey, SubjectId]:
        """The subjects of these clients, drawn now where there is none."""
        rows = self._connection.execute(_OF_CLIENTS, {"keys": clients})
        known = {ClientKey(row.client_key): SubjectId(row.subject) for row in rows}
        drawn = {client: random_subject() for client in dict.fromkeys(clients) if client not in known}
        if drawn:
            columns: Columns = {"client_key": list(drawn), "subject": list(drawn.values()), "linked_at": Same(at)}
            insert_rows(self._connection, CLIENT, columns)
        return known | drawn

    def linked(self, subjects: Collection[str]) -> frozenset[str]:
        """Which of these stand for a client here."""
        rows = self._connection.execute(select(CLIENT.c.subject).where(among(CLIENT.c.subject, subjects)))
        return frozenset(row.subject for row in rows)

    def page(self, after: ClientKey | None, limit: int) -> list[tuple[ClientKey, SubjectId]]:
        """At most `limit` clients behind one, in the database's own order: for reading many in flat memory."""
        wanted = select(CLIENT.c.client_key, CLIENT.c.subject).order_by(CLIENT.c.client_key).limit(limit)
        rows = self._connection.execute(wanted if after is None else wanted.where(CLIENT.c.client_key > after))
        return [(ClientKey(client), SubjectId(subject)) for client, subject in rows]

    def all(self) -> list[tuple[ClientKey, SubjectId]]:
        """Every client with its subject, in the order of the keys."""
        rows = self._connection.execute(select(CLIENT.c.client_key, CLIENT.c.subject).order_by(CLIENT.c.client_key))
        return [(ClientKey(client), SubjectId(subject)) for client, subject in rows]
