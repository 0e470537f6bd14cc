"""The signed head of a feed: how far it goes, and how far the hub has read the inbox (DESIGN section 5)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.civil_time import Instant
from contracts.names import Programme, Sha256Hex, Unit


class InboxMark(BaseModel):
    """How far one partition of the inbox was read, in which incarnation of the broker."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    partition: Annotated[int, Field(ge=0)]
    incarnation: str
    next_offset: Annotated[int, Field(ge=0)]


class FeedHead(BaseModel):
    """Every minute while active, else every 15: the lease of promise 5 runs from the last one that the unit caught up with."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    programme: Programme
    recipient: Unit
    shard: Annotated[int, Field(ge=0)]
    generation: Annotated[int, Field(ge=1)]
    sequence: Annotated[int, Field(ge=0)]
    link: Sha256Hex
    inbox: tuple[InboxMark, ...]
    time: Instant
    trust_list: Annotated[int, Field(ge=1)]
