"""How one shard stands: how far log and dispatch are, when each was last heard of, and what waits for a person.

Invariant: counts and times only; nothing of it names anybody.
"""

from dataclasses import dataclass
from datetime import datetime

from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session

_SQL = queries("standing")


@dataclass(frozen=True, slots=True)
class ShardStanding:
    """Seconds are those of the database's own clock, since beats are too."""

    position: int
    """The next free one: how many events there are."""
    last_at: datetime
    writer_silent: float
    relay_position: int
    relay_silent: float
    parked: int
    dead_letters: int


def standing_of(session: Session) -> ShardStanding:
    """As it is now. Raises `StoreUnavailableError`."""
    with session.use() as connection:
        row = connection.execute(_SQL["standing"]).fetchone()
    assert row is not None  # noqa: S101 - both tables hold one row each, by their migration
    return ShardStanding(*row)
