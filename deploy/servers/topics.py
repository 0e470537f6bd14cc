"""The topics of a programme on real Kafka, made before anybody connects: brokers here create none by themselves.

- `hub.inbox`: what units publish; its partition count never changes, since messages are found by it.
- `hub.directory`: the trust list and the directory, which everybody reads; kept for ever.
- `hub.ledger`: how each shard's ledger grew; `hub.witness`: what its witnesses say of that. One partition per shard.
- `feed.<unit>`: what the hub gives to one unit; one partition per shard, gone after 72 hours.

`compression.type=uncompressed` has the broker unpack what producers pack, so that a small packet which unfolds to
hundreds of megabytes is refused at the door. The broker's clock dates records, so that no producer can prolong their life.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

INBOX = "hub.inbox"
DIRECTORY = "hub.directory"
LEDGER = "hub.ledger"
WITNESS = "hub.witness"
_HOUR = 3_600_000
_KIB = 1024
# A dead letter is kept up to 2 MiB; the rest is room for headers and framing.
_LARGEST_RECORD = 2 * _KIB * _KIB + 64 * _KIB
# Kafka deletes whole segments of an hour each, so records live up to 70 + 1 hours and the next look: under 72.
_GONE_IN_72_HOURS = {"retention.ms": str(70 * _HOUR), "segment.ms": str(_HOUR), "cleanup.policy": "delete"}
_UNPACKED = {
    "compression.type": "uncompressed",
    "max.message.bytes": str(_LARGEST_RECORD),
    "message.timestamp.type": "LogAppendTime",
}


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic: its name, its number of partitions, and what differs from the broker's defaults."""

    name: str
    partitions: int
    configs: Mapping[str, str] = field(default_factory=dict)


def feed_topic(unit: str, *, shards: int = 1) -> Topic:
    """The topic with the feed of one unit."""
    return Topic(name=f"feed.{unit}", partitions=shards, configs={**_UNPACKED, **_GONE_IN_72_HOURS})


def programme_topics(units: Iterable[str], *, inbox_partitions: int, shards: int = 1) -> tuple[Topic, ...]:
    """All topics of a programme with these units."""
    return (
        Topic(name=INBOX, partitions=inbox_partitions, configs={**_UNPACKED, **_GONE_IN_72_HOURS}),
        Topic(name=DIRECTORY, partitions=1, configs={**_UNPACKED, "retention.ms": "-1"}),
        Topic(name=LEDGER, partitions=shards, configs={**_UNPACKED, **_GONE_IN_72_HOURS}),
        Topic(name=WITNESS, partitions=shards, configs={**_UNPACKED, **_GONE_IN_72_HOURS, "retention.ms": str(_HOUR)}),
        *(feed_topic(unit, shards=shards) for unit in units),
    )
