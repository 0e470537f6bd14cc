"""How long the store's sessions wait, in one place.

Invariants: a holder that beats on time is never ended (`beat_every` is well below `stale_after`); the server itself ends a session that stays idle
for `session_seconds`, so a stopped or cut-off holder loses its lock even when no standby looks.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """All times in seconds."""

    beat_every: float = 1.0
    """How often the holder shows that it lives."""
    stale_after: float = 3.0
    """A standby ends the holder's session when it saw the same beat for this long."""
    poll_every: float = 0.1
    """How often a standby tries the lock; it never waits inside the server, where it would keep old rows from being pruned."""
    session_seconds: float = 3.0
    """`idle_session_timeout`, `idle_in_transaction_session_timeout` and `tcp_user_timeout` of lock holders."""
    lock_seconds: float = 5.0
    """How long a statement waits for a row or table lock of somebody else, such as a migration."""
    connect_seconds: int = 5
    """How long to try to reach the server."""
    copy_from: int = 24
    """Batches of this many events or more go by binary COPY, smaller ones by one unnest statement."""


DEFAULTS = StoreSettings()
