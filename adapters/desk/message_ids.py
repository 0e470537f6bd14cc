"""Message ids: UUID version 7 (RFC 9562 section 5.7).

Invariants: 48 bits of milliseconds from the clock that is handed in, all other bits from a cryptographic source; never derived from content.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from contracts.names import MessageId

_MASK: Final = (1 << 48) - 1
_VARIANT: Final = {f"{digit:x}": "89ab"[digit & 3] for digit in range(16)}
"""Binary 10 and two bits of a random digit."""
_RANDOM: Final = 10
"""Bytes from the cryptographic source for each id."""


class MessageIds:
    """A source of fresh ids; `random` gives that many random bytes."""

    def __init__(self, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._random = random

    def next(self, at: datetime) -> MessageId:
        """An id made at `at`."""
        return self.many(at, 1)[0]

    def many(self, at: datetime, count: int) -> Sequence[MessageId]:
        """Ids made at `at`, in ascending order, by which a database stores them fastest (RFC 9562 section 6.2)."""
        milliseconds = f"{int(at.timestamp() * 1000) & _MASK:012x}"
        start, random = f"{milliseconds[:8]}-{milliseconds[8:]}-7", self._random(_RANDOM * count)
        drawn = (random[place : place + _RANDOM] for place in range(0, len(random), _RANDOM))
        return sorted(_id(start, one.hex()) for one in drawn)


def _id(start: str, digits: str) -> MessageId:
    """The 74 random bits from the first 18 digits and two bits of the last one."""
    return MessageId(f"{start}{digits[:3]}-{_VARIANT[digits[-1]]}{digits[3:6]}-{digits[6:18]}")
