"""What a shard's database tells of restores: for processes that look whether they may go on, and for the operator's commands.

Invariant: a restore is begun and ended in one transaction each, by the owner of the tables; nobody else writes these rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from psycopg.types.json import Json

from hub.application.ports import FencedError
from hub.application.restoration import Reached, Standing
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session

_SQL = queries("restoration")


@dataclass(frozen=True, slots=True)
class Restoration:
    """One restore of a shard."""

    generation: int
    begun_at: datetime
    position: int
    """Events that came back with the backup."""
    published: int
    """Events that the ledger had vouched for by then."""
    cluster: str
    ends: Mapping[int, int]
    """Of each partition of the inbox where it ended when the restore was begun."""
    lost: Sequence[int]
    """Partitions that no longer hold all that came since the backup."""


class Restorations:
    """Over a session. Methods raise `StoreUnavailableError`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def standing(self, remembered: Reached | None) -> Standing:
        """How the log is now, and what it holds where it ended before."""
        values = {"position": 0 if remembered is None else remembered.position}
        generation, position, coming, state = self._row("standing", values)
        return Standing(generation, position, coming, _digest(state))

    def reached(self) -> Reached:
        """How far the log is."""
        generation, position, state = self._row("reached", {})
        return Reached(generation, position, _digest(state))

    def all(self) -> list[Restoration]:
        """Every restore, the oldest first."""
        with self._session.use() as connection:
            rows = connection.execute(_SQL["restorations"]).fetchall()
        return [
            Restoration(generation, begun_at, position, published, cluster, _by_number(ends), lost)
            for generation, begun_at, position, published, cluster, ends, lost in rows
        ]

    def begin(
        self, *, at: datetime, published: int, cluster: str, ends: Mapping[int, int], lost: Sequence[int]
    ) -> None:
        """A restore begins."""
        values = {"at": at, "published": published, "cluster": cluster, "ends": Json(ends), "lost": list(lost)}
        with self._session.use() as connection:
            connection.execute(_SQL["begin"], values)

    def resume(self, generation: int) -> None:
        """It is done: the log has a new generation, and what the ledger had reached is forgotten. Raises `FencedError` where it was done before."""
        with self._session.transaction() as connection:
            if connection.execute(_SQL["resume"], {"generation": generation}).fetchone() is None:
                raise FencedError("This restore was ended by somebody else.", advice="Run `spojka-hub restore check`.")
            connection.execute(_SQL["forget_ledger"])

    def _row(self, query: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
        with self._session.use() as connection:
            row = connection.execute(_SQL[query], values).fetchone()
        assert row is not None  # noqa: S101 - the head table holds one row, by its migration
        return row


def _by_number(ends: Mapping[str, int]) -> dict[int, int]:
    return {int(number): end for number, end in ends.items()}


def _digest(state: bytes | None) -> bytes:
    return b"" if state is None else sha256(state).digest()
