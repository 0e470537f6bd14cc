"""The operator's way into the log: trust lists as the hub's own messages on `hub.inbox`, one door for all."""

from collections.abc import Sequence

from contracts.kafka_record import to_headers
from contracts.messages.hub import TrustListPublished
from contracts.partition import partition_of
from hub.application.programme import notice_name
from hub.application.verification import hub_key
from hub.entrypoints.house import INBOX, House
from hub.entrypoints.topics import ensure_topics
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord


async def publish_trust_lists(house: House, lists: Sequence[TrustListPublished]) -> None:
    """Send lists in order to every shard. Raises `TransportError`; sending twice is sending once."""
    listed = house.programme.directory.listed
    await ensure_topics(
        house.connection,
        (),
        partitions=listed.partitions,
        shards=listed.shards,
        replication=house.settings.replication,
    )
    records = [_record(house, facts, shard) for shard in range(listed.shards) for facts in lists]
    async with BatchProducer(connection=house.connection) as producer:
        await producer.send(records)


def _record(house: House, facts: TrustListPublished, shard: int) -> OutgoingRecord:
    listed = house.programme.directory.listed
    name = notice_name(facts)
    _, signed = house.programme.voice.say(facts, name=name, at=house.clock.now())
    key = hub_key(shard)
    partition = partition_of(key, listed.partitions)
    owned = partition if partition % listed.shards == shard else shard
    return OutgoingRecord(INBOX, owned, key.encode(), signed.payload, tuple(to_headers(signed)))
