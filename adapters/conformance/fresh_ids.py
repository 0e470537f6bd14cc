"""Fresh ids and subjects: UUID version 7 (RFC 9562 section 5.7), random subjects."""

import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.names import MessageId, SubjectId

_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_LETTERS: Final = 26


def fresh_id(at: datetime) -> MessageId:
    """An id made at `at`."""
    low = (7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return MessageId(str(UUID(int=(int(at.timestamp() * 1000) << 80) | low)))


def fresh_subject() -> SubjectId:
    """A random pseudonym."""
    return SubjectId("r1." + "".join(secrets.choice(_BASE32) for _ in range(_LETTERS)))
