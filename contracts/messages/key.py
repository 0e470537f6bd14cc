"""key.*: content keys deposited with the hub's key service and released by it. Facts about keys; the keys themselves travel beside, sealed."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.facts import Facts
from contracts.names import Id, Key, Sha256Hex, Slug, Unit


class KeyDeposited(Facts):
    """The unit made a content key; sealed to the key service it travels in the header `spojka-key` of this message's record."""

    key_id: Sha256Hex
    scope: Slug
    """The category of what it seals, or `parties`."""
    epoch: Annotated[int, Field(ge=1)]
    deposit_hash: Sha256Hex
    """SHA-256 of the header's value."""


class ReleasedKey(Facts):
    """One key given to one unit."""

    key_id: Sha256Hex
    unit: Unit
    form: Literal["content-key", "message-key"]
    message_id: Id
    """The entry that led to it; of a message key the only one that it opens."""
    position: Annotated[int, Field(ge=0)]
    to: Key
    """The encryption key of the unit."""
    release_hash: Sha256Hex
    """SHA-256 of the sealed key as it was sent."""


class KeyReleased(Facts):
    """What the key service released, in batches, in the log as evidence."""

    shard: Annotated[int, Field(ge=0)]
    releases: Annotated[tuple[ReleasedKey, ...], Field(min_length=1, max_length=1000)]
