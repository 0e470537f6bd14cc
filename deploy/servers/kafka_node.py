"""One Kafka process, broker and controller in one: its settings, its folder, its start.

Settings are those measured for a laptop: 768 MiB of heap, a dead node noticed after 3 s, no topic without being asked for.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from deploy.servers import kafka_jars
from deploy.servers.child import Child
from deploy.servers.errors import ServerStartError
from deploy.servers.ports import LOOPBACK, answers, free_port

_FORMAT_SECONDS = 60.0
_START_SECONDS = 90.0
_JVM = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:-UsePerfData", "-Djava.awt.headless=true")
_HEAP = "-Xmx768m"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What all nodes must agree on."""

    cluster_id: str
    voters: str
    controllers: str
    nodes: int

    @property
    def replicas(self) -> int:
        """On how many nodes each record is."""
        return self.nodes


@dataclass(frozen=True, kw_only=True)
class NodeSecurity:
    """What a node needs so that no listener speaks in clear: files made by `spojka-hub transport apply`.

    `keystore` holds key and certificate, `truststore` the authorities; `superusers` are the common names of certificates that may do everything.
    """

    keystore: Path
    truststore: Path
    superusers: tuple[str, ...]

    def properties(self) -> dict[str, str]:
        """Clients sign in by SCRAM over TLS; brokers, controllers and the operator by their certificates; whatever is not permitted is denied."""
        stores = {
            f"listener.name.{listener}.ssl.{store}.{setting}": value
            for listener in ("client", "internal", "controller")
            for store, file in (("keystore", self.keystore), ("truststore", self.truststore))
            for setting, value in (("type", "PEM"), ("location", str(file)))
        }
        required = {f"listener.name.{name}.ssl.client.auth": "required" for name in ("internal", "controller")}
        return (
            stores
            | required
            | {
                "listener.security.protocol.map": "CLIENT:SASL_SSL,INTERNAL:SSL,CONTROLLER:SSL",
                "listener.name.client.sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "listener.name.client.scram-sha-512.sasl.jaas.config": (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                ),
                "ssl.enabled.protocols": "TLSv1.3,TLSv1.2",
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "allow.everyone.if.no.acl.found": "false",
                "super.users": ";".join(f"User:CN={name}" for name in self.superusers),
            }
        )


class KafkaNode:
    """Node `number` (from 1) with its data in `folder` and three ports, which it keeps as long as its data."""

    def __init__(  # noqa: PLR0913 - all by keyword
        self, number: int, *, folder: Path, log: Path, java: Path, jars: Path, security: NodeSecurity | None = None
    ) -> None:
        self.number = number
        self._security = security
        self.folder = folder
        self.client_port, self.internal_port, self.controller_port = self._earlier_ports() or (
            free_port(),
            free_port(),
            free_port(),
        )
        self._log = log
        self._jars = jars
        self._java = java
        self.child = Child(f"Kafka node {number}", log=log)

    def format(self, cluster: Cluster) -> Child:
        """Begin to make an empty log folder, about 2 s; the caller awaits `formatted`."""
        self.folder.mkdir(parents=True)
        self._settings_file.write_text(self.properties(cluster))
        tool = Child(f"Kafka's storage format for node {self.number}", log=self._log)
        arguments = ["format", "-t", cluster.cluster_id, "-c", str(self._settings_file)]
        self._run(tool, "kafka.tools.StorageTool", *arguments, "--initial-controllers", cluster.voters)
        return tool

    def start(self) -> None:
        """Begin to start; the caller awaits `wait_for_port`."""
        self._run(self.child, "kafka.Kafka", str(self._settings_file))

    def wait_for_port(self) -> None:
        """Until clients can connect; raises ServerStartError."""
        self.child.wait_until(lambda: answers(self.client_port) or None, within=_START_SECONDS)

    def forget(self) -> None:
        """Delete all data; the node must not be running."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def properties(self, cluster: Cluster) -> str:
        """The node's settings file."""
        replicas = str(cluster.replicas)
        settings = {
            "process.roles": "broker,controller",
            "node.id": str(self.number),
            "controller.quorum.bootstrap.servers": cluster.controllers,
            "listeners": ",".join(
                f"{name}://{LOOPBACK}:{port}"
                for name, port in (
                    ("CLIENT", self.client_port),
                    ("INTERNAL", self.internal_port),
                    ("CONTROLLER", self.controller_port),
                )
            ),
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "INTERNAL",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            "default.replication.factor": replicas,
            "min.insync.replicas": "2" if cluster.nodes > 1 else "1",
            "offsets.topic.replication.factor": replicas,
            "offsets.topic.num.partitions": "6",
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": "2" if cluster.nodes > 1 else "1",
            "transaction.state.log.num.partitions": "6",
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": "2" if cluster.nodes > 1 else "1",
            "share.coordinator.state.topic.num.partitions": "6",
            "group.initial.rebalance.delay.ms": "0",
            "log.retention.check.interval.ms": "2000",
            "log.segment.delete.delay.ms": "1000",
            "log.cleaner.dedupe.buffer.size": "2097152",
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": "3000",
            "controller.quorum.fetch.timeout.ms": "1000",
            "controller.quorum.election.timeout.ms": "500",
        }
        if self._security is not None:
            settings |= self._security.properties()
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _earlier_ports(self) -> tuple[int, int, int] | None:
        if not self._settings_file.exists():
            return None
        listeners = re.search(
            r"^listeners=.*?:(\d+),.*?:(\d+),.*?:(\d+)$", self._settings_file.read_text(), re.MULTILINE
        )
        return (int(listeners[1]), int(listeners[2]), int(listeners[3])) if listeners else None

    @property
    def _settings_file(self) -> Path:
        return self.folder / "server.properties"

    def _run(self, child: Child, main_class: str, *arguments: str) -> None:
        logging = f"-Dlog4j2.configurationFile={kafka_jars.SETTINGS / 'log4j2.xml'}"
        command = [str(self._java), _HEAP, *_JVM, logging, "-cp", f"{self._jars}/*", main_class, *arguments]
        child.start(command, folder=self.folder)


def formatted(tool: Child) -> None:
    """Await a `format` that was begun; raises ServerStartError."""
    if tool.wait_for_end(within=_FORMAT_SECONDS) != 0:
        failure: ServerStartError = tool.failure("failed")
        raise failure
