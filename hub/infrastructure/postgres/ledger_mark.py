"""How far a shard's ledger is, beside its log: written by the ledger, read by whoever must not run ahead of it.

Invariant: it never says more than stands in the ledger's files, since it is written after them.
"""

from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session

_SQL = queries("log")
_NAME = "ledger"


class LedgerMark:
    """`hub.application.ledger_guard.LedgerPlaces` over a session. Methods raise `StoreUnavailableError`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def note(self, size: int) -> None:
        """The ledger's files vouch for so many events."""
        with self._session.use() as connection:
            connection.execute(_SQL["track"], {"name": _NAME, "to": size})

    def ledger(self) -> int | None:
        """Events that the ledger holds; None where there never was one."""
        with self._session.use() as connection:
            row = connection.execute(_SQL["tracked"], {"name": _NAME}).fetchone()
        return None if row is None else int(row[0])

    def log(self) -> int:
        """Events that the log holds."""
        with self._session.use() as connection:
            row = connection.execute(_SQL["head"]).fetchone()
        return 0 if row is None else int(row[0])
