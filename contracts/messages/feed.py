"""feed.*: what an adapter tells the hub about its feed."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.facts import Facts
from contracts.names import Sha256Hex


class FeedAcknowledged(Facts):
    """Everything up to `feed_sequence` is stored at the unit; the topic may be trimmed."""

    shard: Annotated[int, Field(ge=0)]
    generation: Annotated[int, Field(ge=1)]
    feed_sequence: Annotated[int, Field(ge=0)]
    link: Sha256Hex


class ReplayRequested(Facts):
    """The unit lacks its feed from `from_sequence` on, or (`own`) what it published itself, after a restore."""

    shard: Annotated[int, Field(ge=0)]
    generation: Annotated[int, Field(ge=1)]
    from_sequence: Annotated[int, Field(ge=1)]
    scope: Literal["feed", "own"] = "feed"
