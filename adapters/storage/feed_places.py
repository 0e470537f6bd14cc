"""How far this unit's feed was read: the chain, the topic, the last head.

Invariant: each is written in the transaction that stores what was read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select, update

from adapters.storage.tables import FEED_CHAIN, HEAD, TOPIC_POSITION
from adapters.storage.upsert import upsert
from contracts import strict_json
from contracts.feed_head import FeedHead
from projections.kafka.positions import InputPosition

# Made once: each stretch of the feed asks them.
_CHAINS: Final = select(FEED_CHAIN).order_by(FEED_CHAIN.c.shard, FEED_CHAIN.c.generation)
_CHAIN: Final = select(FEED_CHAIN).where(
    FEED_CHAIN.c.shard == bindparam("of_shard"), FEED_CHAIN.c.generation == bindparam("of_generation")
)
_HEADS: Final = select(HEAD).order_by(HEAD.c.shard)
_HEAD: Final = select(HEAD).where(HEAD.c.shard == bindparam("of_shard"))


@dataclass(frozen=True, slots=True)
class ChainState:
    """The last slot of one chain of the feed that is stored here."""

    shard: int
    generation: int
    sequence: int
    link: bytes


@dataclass(frozen=True, slots=True)
class KeptHead:
    """The last head that came, and when this unit last had everything up to a head: from there the lease runs."""

    head: FeedHead
    received_at: datetime
    caught_up_at: datetime | None
    """The `time` of the last head that this unit had caught up with."""
    catching_up: bool = False
    """The feed is being read again and its end was not reached yet."""


class FeedPlaces:
    """The places over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def chain(self, shard: int, generation: int) -> ChainState | None:
        """Where a chain stands, None before its first slot."""
        row = self._connection.execute(_CHAIN, {"of_shard": shard, "of_generation": generation}).one_or_none()
        return None if row is None else ChainState(row.shard, row.generation, row.sequence, row.link)

    def chains(self) -> list[ChainState]:
        """Every chain."""
        rows = self._connection.execute(_CHAINS)
        return [ChainState(row.shard, row.generation, row.sequence, row.link) for row in rows]

    def set_chain(self, state: ChainState) -> None:
        """The chain went on."""
        row = {"shard": state.shard, "generation": state.generation, "sequence": state.sequence, "link": state.link}
        upsert(self._connection, FEED_CHAIN, [row])

    def positions(self, topic: str) -> Mapping[int, InputPosition]:
        """How far each partition of a topic was read."""
        rows = self._connection.execute(select(TOPIC_POSITION).where(TOPIC_POSITION.c.topic == topic))
        return {
            row.partition: InputPosition(row.topic, row.partition, row.next_offset, row.incarnation, row.fingerprint)
            for row in rows
        }

    def set_position(self, position: InputPosition) -> None:
        """A partition was read up to here."""
        row = {
            "topic": position.topic,
            "partition": position.partition,
            "next_offset": position.next_offset,
            "incarnation": position.incarnation,
            "fingerprint": position.fingerprint,
        }
        upsert(self._connection, TOPIC_POSITION, [row])

    def set_head(self, head: FeedHead, *, at: datetime) -> None:
        """A verified head came. An older one than the last changes nothing."""
        known = self.head(head.shard)
        if known is not None and known.head.time > head.time:
            return
        row = {
            "shard": head.shard,
            "document": strict_json.canonical(head.model_dump(mode="json")),
            "time": head.time,
            "received_at": at,
        }
        upsert(self._connection, HEAD, [row])
        self.note_caught_up(head.shard)

    def note_caught_up(self, shard: int) -> None:
        """Where the chain has reached the last head's number, the lease runs from that head on."""
        known = self.head(shard)
        if known is None or known.caught_up_at == known.head.time:
            return
        state = self.chain(shard, known.head.generation)
        if known.head.sequence <= (0 if state is None else state.sequence):
            self._connection.execute(update(HEAD).where(HEAD.c.shard == shard).values(caught_up_at=known.head.time))

    def head(self, shard: int) -> KeptHead | None:
        """The last head of a shard."""
        row = self._connection.execute(_HEAD, {"of_shard": shard}).one_or_none()
        if row is None:
            return None
        return _kept(row)

    def heads(self) -> list[KeptHead]:
        """The last head of every shard."""
        rows = self._connection.execute(_HEADS)
        return [_kept(row) for row in rows]

    def set_catching_up(self, shards: Sequence[int], *, catching_up: bool) -> None:
        """Reading began again, or reached the end. A shard without a head has nothing to show anyway."""
        chosen = update(HEAD).where(HEAD.c.shard.in_(shards))
        self._connection.execute(chosen.values(catching_up=catching_up))


def _kept(row: Row[Any]) -> KeptHead:
    return KeptHead(FeedHead.model_validate_json(row.document), row.received_at, row.caught_up_at, row.catching_up)
