"""How often a page may be asked: by one address, and in all.

Invariants: pure but for the clock that comes in; memory is bounded, whatever addresses come. Links and tokens cannot be guessed anyway, so this only
keeps the machine free for others.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MOST_ADDRESSES: Final = 4096


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Pace:
    """Buckets that fill again by `a_minute`; `burst` may come at once."""

    def __init__(
        self, clock: Callable[[], float], *, burst: int = 20, a_minute: int = 30, all_burst: int = 200
    ) -> None:
        self._clock = clock
        self._burst, self._rate = burst, a_minute / 60
        self._all = _Bucket(all_burst, clock())
        self._all_burst = all_burst
        self._by_address: OrderedDict[str, _Bucket] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Whether one more request is answered."""
        now = self._clock()
        bucket = self._by_address.setdefault(address, _Bucket(self._burst, now))
        self._by_address.move_to_end(address)
        while len(self._by_address) > _MOST_ADDRESSES:
            self._by_address.popitem(last=False)
        everybody = self._taken(self._all, now, self._all_burst, self._rate * 10)
        return self._taken(bucket, now, self._burst, self._rate) and everybody

    def _taken(self, bucket: _Bucket, now: float, burst: int, rate: float) -> bool:
        bucket.left = min(burst, bucket.left + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True
