"""Which partition a key belongs to, the same for every client.

Invariants: partition = (murmur2(key) & 0x7fffffff) mod count with Java's murmur2, seed 0x9747b28c (Kafka's default
partitioner); librdkafka's own default differs. The result depends on key and count only.
"""

from functools import lru_cache
from struct import unpack_from
from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


@lru_cache(maxsize=65_536)
def partition_of(key: bytes | str, count: int) -> int:
    """The partition of a record key (text as UTF-8) among `count`. Raises `ValueError` unless `count` is positive."""
    if count < 1:
        raise ValueError(f"a topic has at least one partition, not {count}")
    return (murmur2(key.encode() if isinstance(key, str) else key) & 0x7FFFFFFF) % count


def murmur2(data: bytes) -> int:
    """Java's murmur2 of the Kafka client, as an unsigned 32-bit integer."""
    length = len(data)
    words = length >> 2
    h = _SEED ^ length
    for word in unpack_from(f"<{words}I", data):
        k = word * _M & _MASK
        h = (h * _M ^ (k ^ k >> 24) * _M) & _MASK
    if tail := data[words << 2 :]:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15
