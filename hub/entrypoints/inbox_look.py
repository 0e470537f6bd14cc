"""What the inbox still holds of what came since the database was as it is now.

Invariant: the judgement is that of the consumer that will read on from there (`projections.kafka.positions.resume`); nothing is read for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka.structs import TopicPartition

from hub.application.broker_permissions import INBOX, HubUser
from hub.entrypoints.house import House
from projections.kafka.positions import InputPosition, Resume
from projections.kafka.resuming_consumer import ResumingConsumer


@dataclass(frozen=True, slots=True)
class InboxLook:
    """The partitions of one shard at one moment."""

    cluster: str
    ends: Mapping[int, int]
    """Where each partition ends; 0 where it holds nothing, wherever its numbers have come to."""
    lost: Sequence[int]
    """Partitions of which something is gone that was not read."""


async def look_at_inbox(house: House, stored: Sequence[InputPosition], partitions: Sequence[int]) -> InboxLook:
    """Ask the brokers. Raises `TransportError`."""
    places = [TopicPartition(INBOX, number) for number in partitions]
    lost: set[int] = set()

    async def positions() -> dict[TopicPartition, InputPosition]:
        return {TopicPartition(one.topic, one.partition): one for one in stored}

    def on_lost(position: InputPosition, _: Resume) -> None:
        lost.add(position.partition)

    consumer = ResumingConsumer(connection=house.connection(HubUser.INTAKE), positions=positions, on_lost=on_lost)
    consumer.assign(places)
    await consumer.start()
    try:
        begins = await consumer.beginning_offsets(places)
        ends = await consumer.observe_end_offsets()
    finally:
        await consumer.stop()
    read = {one.partition for one in stored}
    lost |= {place.partition for place, begin in begins.items() if begin and place.partition not in read}
    to_read = {place.partition: end if end > begins[place] else 0 for place, end in ends.items()}
    return InboxLook(consumer.incarnation, to_read, sorted(lost))
