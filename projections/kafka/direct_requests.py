"""Questions to the broker that aiokafka's consumer and producer have no method for: cluster id, bytes at an offset.

Invariant: asking moves no position and takes nothing out of any buffer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aiokafka import errors as kafka
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest

from projections.kafka.record_batch import Source, records_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka.structs import TopicPartition

    from projections.kafka.positions import RawRecord

_NO_WAIT = 0  # max wait, milliseconds: what is asked for is there or is not
_READ_UNCOMMITTED = 0
_GLANCE = 64 * 1024
_ONE_BATCH = 8 * 1024 * 1024
_TOTAL = 50 * 1024 * 1024


def open_connections(client: Any) -> frozenset[Any]:  # noqa: ANN401  # aiokafka is untyped
    """The client's connections: as long as they are the same, the same broker processes answer."""
    return frozenset(client._conns.values())  # noqa: SLF001  # aiokafka tells reconnects in no other way


async def cluster_id(client: Any) -> str:  # noqa: ANN401  # as above
    """The id that a cluster got when its storage was formatted (the mock: at each start); "" where it has none."""
    node = client.get_random_node()
    if node is None:
        raise kafka.NoBrokersAvailable
    answer = await client.send(node, MetadataRequest([]))
    return str(answer.cluster_id or "")


async def fetch(client: Any, offsets: Mapping[TopicPartition, int], *, most: int) -> dict[TopicPartition, bytes]:  # noqa: ANN401  # as above
    """The bytes that the leaders hold from these offsets on, up to `most` per partition; none where out of range."""
    by_node: defaultdict[int, list[TopicPartition]] = defaultdict(list)
    for place in offsets:
        node = client.cluster.leader_for_partition(place)
        if node is None or node == -1:
            client.force_metadata_update()
            raise kafka.LeaderNotAvailableError(place)
        by_node[node].append(place)
    answers = await asyncio.gather(
        *(client.send(node, _request({p: offsets[p] for p in places}, most)) for node, places in by_node.items())
    )
    place_of = {(place.topic, place.partition): place for place in offsets}
    return {
        place_of[topic, partition]: bytes(rest[-1] or b"")
        for answer in answers
        for topic, partitions in answer.topics
        for partition, error, _, *rest in partitions
        if error == kafka.NoError.errno
    }


async def record_at(
    client: Any,  # noqa: ANN401  # as above
    offsets: Mapping[TopicPartition, int],
    *,
    incarnation: str,
) -> dict[TopicPartition, RawRecord]:
    """The record at, or the first one behind, each offset; partitions that hold none there are left out."""
    found: dict[TopicPartition, RawRecord] = {}
    glances = await fetch(client, offsets, most=_GLANCE) if offsets else {}
    for place, offset in offsets.items():
        source = Source(place.topic, place.partition, incarnation)
        record = next(records_in(glances.get(place, b""), source, from_offset=offset), None)
        if record is None:  # the batch there is larger than a glance
            whole = await fetch(client, {place: offset}, most=_ONE_BATCH)
            record = next(records_in(whole.get(place, b""), source, from_offset=offset), None)
        if record is not None:
            found[place] = record
    return found


def _request(offsets: Mapping[TopicPartition, int], most: int) -> FetchRequest:
    """A fetch of these partitions that answers at once."""
    topics: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for place, offset in offsets.items():
        topics[place.topic].append((place.partition, offset, most))
    return FetchRequest(_NO_WAIT, 1, _TOTAL, _READ_UNCOMMITTED, list(topics.items()))
