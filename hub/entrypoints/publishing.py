"""The operator's and dispatch's way into the log: the hub's own messages on `hub.inbox`, one door for all.

Invariant: a notice (trust list, settings) goes to every shard, under the same bytes each time it is sent, so that sending twice is sending once.
"""

from collections.abc import Sequence
from datetime import datetime

from contracts.kafka_record import to_headers
from contracts.messages.hub import SettingsChanged, TrustListPublished
from contracts.names import RecordKey
from contracts.partition import partition_of
from contracts.signed_bytes import SignedBytes
from contracts.trust_list import TrustList
from hub.application.broker_permissions import INBOX, HubUser
from hub.application.ports import HubError
from hub.application.programme import notice_name
from hub.domain.shards import hub_key
from hub.entrypoints.house import House
from hub.entrypoints.topics import ensure_topics
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.errors import TransportError

Notice = tuple[TrustListPublished | SettingsChanged, datetime]
"""What is told, and the time that its message bears: of a list, when it was issued."""


class BrokerAwayError(HubError):
    """What was to be sent did not reach the broker, or not for certain."""


async def publish(house: House, notices: Sequence[Notice]) -> None:
    """Send notices in order to every shard. Raises `BrokerAwayError`."""
    try:
        await _publish(house, notices)
    except TransportError as error:
        raise BrokerAwayError(
            str(error), advice="Try again when the broker answers: sending twice is sending once."
        ) from error


async def _publish(house: House, notices: Sequence[Notice]) -> None:
    listed = house.programme.directory.listed
    await ensure_topics(
        house.connection(HubUser.OPERATOR),
        (),
        partitions=listed.partitions,
        shards=listed.shards,
        replication=house.settings.replication,
    )
    voice = house.programme.voice
    said = [voice.say(facts, name=notice_name(facts), at=at)[1] for facts, at in notices]
    records = [hub_record(signed, listed, shard) for shard in range(listed.shards) for signed in said]
    async with BatchProducer(connection=house.connection(HubUser.OPERATOR)) as producer:
        await producer.send(records)


def client_record(signed: SignedBytes, listed: TrustList, key: RecordKey) -> OutgoingRecord:
    """A message of the hub about a client."""
    partition = partition_of(key, listed.partitions)
    return OutgoingRecord(INBOX, partition, key.encode(), signed.payload, tuple(to_headers(signed)))


def hub_record(signed: SignedBytes, listed: TrustList, shard: int) -> OutgoingRecord:
    """A message of the hub about no subject, as it reaches a shard."""
    key = hub_key(shard, partitions=listed.partitions, shards=listed.shards)
    partition = partition_of(key, listed.partitions)
    return OutgoingRecord(INBOX, partition, key.encode(), signed.payload, tuple(to_headers(signed)))
