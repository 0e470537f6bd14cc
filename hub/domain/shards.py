"""Which shard owns what: partitions of the inbox round robin, and the key under which the hub speaks to a shard about no subject.

Invariants: pure, the same at every sender and reader; every partition belongs to one shard; a shard's key hashes to one of its partitions, so that no
record of the hub is read by another shard's writer.
"""

from functools import cache
from itertools import count

from contracts.names import RecordKey
from contracts.partition import partition_of


def shard_of(key: str, *, partitions: int, shards: int) -> int:
    """The shard that decides what comes under this record key."""
    return partition_of(key, partitions) % shards


def partitions_of(shard: int, *, partitions: int, shards: int) -> list[int]:
    """The partitions of the inbox that a shard reads. Raises `ValueError` for a shard that owns none."""
    if not 0 <= shard < min(shards, partitions):
        raise ValueError(f"shard {shard} of {shards} owns none of {partitions} partitions")
    return list(range(shard, partitions, shards))


@cache
def hub_key(shard: int, *, partitions: int, shards: int) -> RecordKey:
    """The shard's first key `hub-<n>` that hashes to one of its partitions (DESIGN section 4, one door). Raises `ValueError` as `partitions_of`."""
    own = set(partitions_of(shard, partitions=partitions, shards=shards))
    return next(key for n in count() if partition_of(key := RecordKey(f"hub-{n}"), partitions) in own)
