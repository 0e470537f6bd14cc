"""When to ask the hub for missing slots again. Pure.

Invariants: a gap is asked for at once when it is first seen, and then only after a pause that doubles up to five minutes for as long as it stays
where it is; a gap that moved on is progress, and the new one is asked for as if first seen. Monotonic seconds.
"""

from dataclasses import dataclass, field
from typing import Final

from adapters.exchange.feed_chain import Gap

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0


@dataclass(slots=True)
class _Asked:
    gap: Gap
    pause: float
    due: float


@dataclass(slots=True)
class ReplayAsking:
    """What is missing, and what has been asked for."""

    first: float = FIRST_PAUSE
    longest: float = LONGEST_PAUSE
    _missing: dict[int, Gap] = field(default_factory=dict)
    _asked: dict[int, _Asked] = field(default_factory=dict)

    def missing(self, gap: Gap) -> None:
        """This was seen to be missing."""
        self._missing[gap.shard] = gap

    def closed(self, shard: int) -> None:
        """The next slot of this shard came: nothing is missing as far as is known."""
        self._missing.pop(shard, None)

    def due(self, now: float) -> list[Gap]:
        """What to ask for now; counts as asked."""
        asking = []
        for shard, gap in sorted(self._missing.items()):
            before = self._asked.get(shard)
            if before is not None and before.gap == gap and now < before.due:
                continue
            again = before is not None and before.gap == gap
            pause = min(before.pause * 2, self.longest) if before is not None and again else self.first
            self._asked[shard] = _Asked(gap, pause, now + pause)
            asking.append(gap)
        return asking
