"""Names of the hub's own messages, obligations and timers: UUIDv5, so that doing it twice is doing it once (DESIGN section 5)."""

from typing import Final
from uuid import UUID, uuid5

from contracts.names import MessageId

NAMESPACE: Final = UUID("5b0f7c1e-6a52-5d6e-9d0a-73706f6a6b61")
"""Spojka's own namespace for names of the hub."""


def deterministic_id(name: str) -> MessageId:
    """The id that always goes with this name."""
    return MessageId(str(uuid5(NAMESPACE, name)))


def deterministic_uuid(name: str) -> UUID:
    """The same as a UUID."""
    return uuid5(NAMESPACE, name)
