"""Message ids: UUID version 7 (RFC 9562 section 5.7).

Invariants: 48 bits of milliseconds from the clock that is handed in, all other bits from a cryptographic source; never derived from content.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final

from contracts.names import MessageId

_VERSION: Final = 7 << 76
_VARIANT: Final = 0b10 << 62


class MessageIds:
    """A source of fresh ids; `random` gives that many random bytes."""

    def __init__(self, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._random = random

    def next(self, at: datetime) -> MessageId:
        """An id made at `at`."""
        milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
        bits = int.from_bytes(self._random(10), "big")
        random_a, random_b = bits >> 68, bits & ((1 << 62) - 1)
        digits = f"{milliseconds << 80 | _VERSION | random_a << 64 | _VARIANT | random_b:032x}"
        return MessageId(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")
