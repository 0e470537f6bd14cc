"""Under which key-encryption key the keys of the log are wrapped, and wrapping them under another while everything runs.

Invariants: a key that an erasure destroyed stays destroyed, whenever the erasure comes; whatever was wrapped anew opens as before, so that stopping
anywhere leaves a log that can be read and a work that can be taken up. Run as the owner of the tables.
"""

from collections.abc import Sequence
from typing import Any, Final

from hub.application.key_ports import KeyEncryption, Wrapped
from hub.infrastructure.postgres.log_keys import KeyName
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session

AT_ONCE: Final = 500

_SQL = queries("log_keys")
Row = Sequence[Any]


class LogKeyWrapping:
    """The wrapped keys of one shard. Methods raise `StoreUnavailableError`, `KeyEncryptionError`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def under(self, kek_id: str) -> int:
        """How many keys are wrapped under this one, those of transactions that have not ended yet included."""
        with self._session.transaction() as connection:
            connection.execute(_SQL["let_writers_end"])
            ((count,),) = connection.execute(_SQL["wrapped_under"], {"kek_id": kek_id}).fetchall()
        return int(count)

    def wrap_anew(self, kek: KeyEncryption) -> int:
        """Everything that is not wrapped under the current key; returns how much it was."""
        count = 0
        while rows := self._not_under(kek.current, b""):
            while rows:
                count += self._rewrap(rows, kek)
                rows = self._not_under(kek.current, bytes(rows[-1][0]))
        return count

    def _not_under(self, kek_id: str, after: bytes) -> list[Row]:
        values = {"kek_id": kek_id, "after": after, "limit": AT_ONCE}
        with self._session.use() as connection:
            return list(connection.execute(_SQL["not_under"], values, binary=True).fetchall())

    def _rewrap(self, rows: Sequence[Row], kek: KeyEncryption) -> int:
        bound = [KeyName(*name).bound(bytes(key_id)) for key_id, *name, _, _ in rows]
        before = [Wrapped(kek_id, bytes(secret)) for *_, kek_id, secret in rows]
        wrapped = kek.wrap(list(zip(kek.unwrap(list(zip(before, bound, strict=True))), bound, strict=True)))
        values = {
            "kek_id": wrapped[0].kek_id,
            "key_ids": [bytes(row[0]) for row in rows],
            "before": [one.sealed for one in before],
            "secrets": [one.sealed for one in wrapped],
        }
        with self._session.use() as connection:
            return connection.execute(_SQL["rewrap"], values).rowcount
