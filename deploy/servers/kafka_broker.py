"""Real Apache Kafka on loopback: one node, or three that replicate everything and survive the loss of one.

- Ready means that the metadata lists every node, not just that a port is open.
- Ports stay the same over restarts and `wipe()`; data survive all but `wipe()`.
- With a `security`, no listener speaks in clear and nothing is permitted that nobody permitted, as in the full set-up; without, plaintext for tests
  that ask neither, since nobody but this machine's users can reach it.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.cimpl import NewTopic

from deploy.servers.java import java
from deploy.servers.kafka_jars import kafka_jars
from deploy.servers.kafka_node import Cluster, KafkaNode, formatted
from deploy.servers.kafka_security import KafkaSecurity
from deploy.servers.ports import LOOPBACK
from deploy.servers.server import Server
from deploy.servers.topics import Topic

_READY_SECONDS = 60.0
_ANSWER_SECONDS = 30.0
_STOP_SECONDS = 20.0
_MANY = 3


class KafkaBroker(Server):
    """Kafka over the data in `data_dir`, with 1 or 3 `nodes`; logs go to `logs`, else beside `data_dir`.

    `kill`, `pause` and `resume` act on all nodes, or on the one that `node` (from 1) names.
    """

    def __init__(
        self, data_dir: Path, *, nodes: int = 1, logs: Path | None = None, security: KafkaSecurity | None = None
    ) -> None:
        if nodes not in {1, _MANY}:
            raise ValueError(f"Kafka runs here with 1 node or {_MANY}, not {nodes}")
        self.data_dir = data_dir.absolute()
        self._logs = (logs or self.data_dir.parent).absolute()
        self._count = nodes
        self._security = security
        self._nodes: list[KafkaNode] = []

    @property
    def bootstrap(self) -> str:
        """`host:port` of every node, comma-separated."""
        return ",".join(f"{LOOPBACK}:{node.client_port}" for node in self._nodes)

    @property
    def administrator(self) -> dict[str, str]:
        """Librdkafka's settings of a client that may do everything."""
        if self._security is None:
            return {"bootstrap.servers": self.bootstrap}
        internal = ",".join(f"{LOOPBACK}:{node.internal_port}" for node in self._nodes)
        return self._security.administrator(internal)

    def start(self) -> None:
        """Start (one node 4 s, three 11 s), on empty data at the first time; fetches Kafka if need be."""
        if not self._nodes:
            self._nodes = self._make_nodes()
        if not self.data_dir.exists():
            self._format()
        for node in self._nodes:
            if not node.child.running:
                node.start()
        for node in self._nodes:
            node.wait_for_port()
        self._nodes[0].child.wait_until(self._all_listed, within=_READY_SECONDS)

    def stop(self) -> None:
        """Write everything to disk and end."""
        for node in self._nodes:
            node.child.ask_to_end()
        for node in self._nodes:  # the last of several waits in vain for a majority of controllers
            node.child.stop(within=_STOP_SECONDS if self._count == 1 else _STOP_SECONDS / 4)

    def kill(self, node: int | None = None) -> None:
        """End at once (SIGKILL)."""
        for chosen in self._chosen(node):
            chosen.child.kill()

    def pause(self, node: int | None = None) -> None:
        """Hang with open connections."""
        for chosen in self._chosen(node):
            chosen.child.pause()

    def resume(self, node: int | None = None) -> None:
        """Go on after `pause()`."""
        for chosen in self._chosen(node):
            chosen.child.resume()

    def wipe(self) -> None:
        """Lose all data: the same address, a new cluster id, no topic; started again when this returns."""
        self.kill()
        for node in self._nodes:
            node.forget()
        self._format()
        self.start()

    def cluster_id(self) -> str:
        """The id that tells these data from those before a `wipe()`."""
        return str(self._metadata().cluster_id)

    def create_topic(self, name: str, *, partitions: int = 1, configs: Mapping[str, str] | None = None) -> None:
        """Create one topic and wait until it has leaders; raises KafkaException when it exists."""
        self.create_topics([Topic(name=name, partitions=partitions, configs=configs or {})])

    def create_topics(self, topics: Iterable[Topic]) -> None:
        """Create topics on all nodes and wait until every partition has a leader; raises KafkaException."""
        wanted = {topic.name: topic for topic in topics}
        new = [
            NewTopic(topic.name, topic.partitions, self._count, config=dict(topic.configs)) for topic in wanted.values()
        ]
        admin = self._admin()  # its answers come only while it is referred to
        for created in admin.create_topics(new).values():
            created.result(_ANSWER_SECONDS)
        self._nodes[0].child.wait_until(lambda: self._have_leaders(wanted) or None, within=_READY_SECONDS)

    def delete_topic(self, name: str) -> None:
        """Delete a topic with its records; raises KafkaException when there is none."""
        admin = self._admin()
        admin.delete_topics([name])[name].result(_ANSWER_SECONDS)

    def delete_all_topics(self) -> None:
        """Delete every topic but Kafka's own, and wait until none is listed."""
        names = self._own_topics()
        admin = self._admin()
        for deleted in admin.delete_topics(names).values() if names else ():
            deleted.result(_ANSWER_SECONDS)
        self._nodes[0].child.wait_until(lambda: not self._own_topics() or None, within=_READY_SECONDS)

    def delete_records(self, topic: str, *, partition: int, before: int) -> int:
        """Delete all records before offset `before` and return the first offset that is left; raises KafkaException."""
        request = TopicPartition(topic, partition, before)
        admin = self._admin()
        (answer,) = admin.delete_records([request]).values()
        return int(answer.result(_ANSWER_SECONDS).low_watermark)

    def _chosen(self, node: int | None) -> Sequence[KafkaNode]:
        return self._nodes if node is None else [self._nodes[node - 1]]

    def _make_nodes(self) -> list[KafkaNode]:
        runtime, jars = java(), kafka_jars()
        names = [str(number) for number in range(1, self._count + 1)]
        return [
            KafkaNode(
                int(name),
                folder=self.data_dir / f"node-{name}",
                log=self._logs / f"{self.data_dir.name}-{name}.log",
                java=runtime,
                jars=jars,
                security=None if self._security is None else self._security.node(int(name)),
            )
            for name in names
        ]

    def _format(self) -> None:
        controllers = [f"{LOOPBACK}:{node.controller_port}" for node in self._nodes]
        cluster = Cluster(
            cluster_id=_new_id(),
            controllers=",".join(controllers),
            voters=",".join(
                f"{node.number}@{address}:{_new_id()}" for node, address in zip(self._nodes, controllers, strict=True)
            ),
            nodes=self._count,
        )
        for tool in [node.format(cluster) for node in self._nodes]:
            formatted(tool)

    def _admin(self) -> AdminClient:
        return AdminClient({**self.administrator, "log_level": 0})

    def _metadata(self) -> ClusterMetadata:
        return self._admin().list_topics(timeout=_ANSWER_SECONDS)

    def _own_topics(self) -> list[str]:
        return [name for name in self._metadata().topics if not name.startswith("__")]

    def _all_listed(self) -> bool | None:
        try:
            return True if len(self._metadata().brokers) == self._count else None
        except KafkaException:
            return None

    def _have_leaders(self, wanted: Mapping[str, Topic]) -> bool:
        seen = self._metadata().topics
        return all(
            name in seen
            and len(seen[name].partitions) == topic.partitions
            and all(partition.leader > 0 for partition in seen[name].partitions.values())
            for name, topic in wanted.items()
        )


def _new_id() -> str:
    """A Kafka uuid: 16 random bytes in URL-safe base64 that a command line does not take for an option."""
    while (name := base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()).startswith("-"):
        continue
    return name
