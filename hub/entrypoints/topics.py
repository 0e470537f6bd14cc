"""The topics of a programme, made by the hub: the inbox, the directory, the ledger and its witnesses, and a feed for every admitted unit.

Invariants: the inbox's partition count is fixed at creation; feeds live at most 72 hours; the broker unpacks what producers pack, so that a small
packet that unfolds to hundreds of megabytes is refused at the door. A broker that takes no admin requests (the embedded one) makes topics by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from contracts.names import UnitId
from hub.application.broker_permissions import DIRECTORY, FEEDS, INBOX, LEDGER, WITNESS
from projections.kafka.connection import KafkaConnection

_HOUR: Final = 3_600_000
_LARGEST: Final = 2 * 1024 * 1024 + 64 * 1024
"""A dead letter is kept up to 2 MiB; the rest is room for headers."""
_UNPACKED: Final = {
    "compression.type": "uncompressed",
    "max.message.bytes": str(_LARGEST),
    "message.timestamp.type": "LogAppendTime",
}
_BRIEF: Final = _UNPACKED | {"retention.ms": str(70 * _HOUR), "segment.ms": str(_HOUR), "cleanup.policy": "delete"}
"""Kafka deletes whole segments of an hour: records live under 72 hours."""
_KEPT: Final = _UNPACKED | {"retention.ms": "-1"}
_FLEETING: Final = _UNPACKED | {"retention.ms": str(_HOUR), "segment.ms": str(_HOUR), "cleanup.policy": "delete"}
"""What witnesses say counts for the checkpoint of the moment."""
_log = structlog.get_logger("spojka.hub.topics")


def feed_topic(unit: UnitId) -> str:
    """The topic of a unit's feed."""
    return f"{FEEDS}{unit}"


async def ensure_topics(
    connection: KafkaConnection, units: Iterable[UnitId], *, partitions: int, shards: int, replication: int
) -> bool:
    """Make what is missing; False where the broker takes no admin requests."""
    topics = [
        _topic(INBOX, partitions, _BRIEF, replication),
        _topic(DIRECTORY, 1, _KEPT, replication),
        _topic(LEDGER, shards, _BRIEF, replication),
        _topic(WITNESS, shards, _FLEETING, replication),
        *(_topic(feed_topic(unit), shards, _BRIEF, replication) for unit in units),
    ]
    admin = AIOKafkaAdminClient(**connection.client_options(connection.address()))
    try:
        await admin.start()
        await _create(admin, topics)
    except (KafkaError, OSError, ValueError) as error:
        _log.info("topics.left-to-the-broker", error=type(error).__name__)
        return False
    finally:
        await admin.close()
    return True


async def _create(admin: Any, topics: Sequence[NewTopic]) -> None:  # noqa: ANN401 - aiokafka's admin client has no types
    if admin._client.cluster.controller is None:  # noqa: SLF001 - aiokafka tells it nowhere else, and its calls end in an AttributeError
        raise KafkaError("no controller in the broker's metadata")
    known = set(await admin.list_topics())
    missing = [topic for topic in topics if topic.name not in known]
    if not missing:
        return
    try:
        await admin.create_topics(missing, timeout_ms=10_000)
    except TopicAlreadyExistsError:
        return
    _log.info("topics.created", count=len(missing))


def _topic(name: str, partitions: int, configs: Mapping[str, str], replication: int) -> NewTopic:
    return NewTopic(name=name, num_partitions=partitions, replication_factor=replication, topic_configs=dict(configs))
