"""One signed record on a feed, giving one entry to one unit under one ground, and the chain over them (DESIGN section 5).

Invariants: one chain per recipient, shard and generation, numbered from 1 without gaps; the link covers recipient, sequence, position and digest, but
not the verdict, so a replay that withholds does not break it.
"""

from hashlib import sha256
from struct import pack
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.names import Ground, Programme, ProgrammeId, Sha256Hex, Subject, Unit, UnitId


class Delivery(BaseModel):
    """One slot of a feed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    programme: Programme
    recipient: Unit
    shard: Annotated[int, Field(ge=0)]
    generation: Annotated[int, Field(ge=1)]
    sequence: Annotated[int, Field(ge=1)]
    link: Sha256Hex
    position: Annotated[int, Field(ge=0)]
    ground_id: Ground | None = None
    subject: Subject | None = None
    """The recipient's subject: recipients use this one, so pairwise subjects need no new version."""
    digest: Sha256Hex
    verdict: Literal["given", "withheld"]


def feed_leaf(position: int, digest: bytes) -> bytes:
    """SHA-256(0x00 ‖ u64be position ‖ digest) (STANDARDS, names and limits)."""
    return sha256(b"\x00" + pack(">Q", position) + digest).digest()


def first_link(*, programme: ProgrammeId, recipient: UnitId, shard: int, generation: int) -> bytes:
    """The link before the first slot, which names the chain."""
    return sha256(f"spojka/feed/v1\n{programme}\n{recipient}\n{shard}\n{generation}\n".encode()).digest()


def next_link(link: bytes, *, recipient: UnitId, sequence: int, position: int, digest: bytes) -> bytes:
    """SHA-256(0x01 ‖ link ‖ u16be length ‖ recipient ‖ u64be sequence ‖ feed leaf)."""
    name = recipient.encode()
    return sha256(
        b"\x01" + link + pack(">H", len(name)) + name + pack(">Q", sequence) + feed_leaf(position, digest)
    ).digest()
