"""How long a unit shows what others gave it (promise 5, DESIGN section 5). Pure.

Invariants: a unit's own entries are not the lease's business and always show. Others' entries show only while, for every shard, the last head that
the unit caught up with is younger than the lease; and not between a (re)connection and a head reached after it, since what was
withdrawn meanwhile is not known yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

DEFAULT_LEASE: Final = timedelta(days=7)


class Hidden(StrEnum):
    """Why others' entries are not shown."""

    NEVER_CONNECTED = "never-connected"
    """No head was ever reached on some shard."""
    CATCHING_UP = "catching-up"
    """Connected, but not yet up to date."""
    LEASE_OVER = "lease-over"
    """Too long without a head."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What is known of the heads: when each shard's last one was made, and which shards still have to reach one."""

    length: timedelta = DEFAULT_LEASE
    shards: int = 1
    heads: Mapping[int, datetime] = field(default_factory=dict)
    catching_up: frozenset[int] = frozenset()

    def until(self) -> datetime | None:
        """When the lease ends; None before the first head of every shard."""
        if any(shard not in self.heads for shard in range(self.shards)):
            return None
        return min(self.heads[shard] for shard in range(self.shards)) + self.length

    def hidden(self, at: datetime) -> Hidden | None:
        """Why others' entries do not show at `at`; None when they do."""
        until = self.until()
        if until is None:
            return Hidden.NEVER_CONNECTED
        if self.catching_up:
            return Hidden.CATCHING_UP
        return Hidden.LEASE_OVER if at >= until else None
