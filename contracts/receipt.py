"""The hub's signed answer to one message (DESIGN section 5).

Invariants: exactly one verdict a message; a receipt can be made again from the log and says the same; its position is that of the event that holds
the message's bytes (or its digest, when refused).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.civil_time import Instant
from contracts.codes import RefusalCode
from contracts.names import Id, Programme, Sha256Hex, SourceUrn


class Receipt(BaseModel):
    """Accepted or refused, where and when."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    programme: Programme
    source: SourceUrn
    id: Id
    digest: Sha256Hex
    verdict: Literal["accepted", "refused"]
    code: RefusalCode | None = None
    last_sequence: Annotated[int, Field(ge=0)] | None = None
    """With `sequence-conflict`: the last number that the hub has."""
    shard: Annotated[int, Field(ge=0)]
    generation: Annotated[int, Field(ge=1)]
    position: Annotated[int, Field(ge=0)]
    leaf: Sha256Hex | None = None
    """The ledger's leaf hash, once there is a ledger."""
    recorded: Instant
    trust_list: Annotated[int, Field(ge=1)]
