"""What a secured Kafka takes from the folder that `spojka-hub transport apply` fills: a certificate for each node and one for the operator.

Invariant: no listener of a secured broker speaks in clear, neither to clients nor between brokers and controllers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.servers.kafka_node import NodeSecurity
from hub.infrastructure.transport.authority import CERTIFICATE, KEY, KEY_AND_CERTIFICATE, TRUSTED, Kind

OPERATOR = "operator"


def node_name(number: int) -> str:
    """Under which name a node's certificate is issued."""
    return f"broker-{number}"


@dataclass(frozen=True)
class KafkaSecurity:
    """A secured cluster of `nodes` over the files in `transport`."""

    transport: Path
    nodes: int = 1

    @property
    def trusted(self) -> Path:
        """The authorities that everybody trusts."""
        return self.transport / TRUSTED

    def node(self, number: int) -> NodeSecurity:
        """For one node."""
        names = (node_name(one) for one in range(1, self.nodes + 1))
        return NodeSecurity(
            keystore=self.transport / Kind.BROKER / node_name(number) / KEY_AND_CERTIFICATE,
            truststore=self.trusted,
            superusers=(*names, OPERATOR),
        )

    def administrator(self, bootstrap: str) -> dict[str, str]:
        """Librdkafka's settings with which the operator signs in, by certificate, at the brokers' own listener."""
        mine = self.transport / Kind.CLIENT / OPERATOR
        return {
            "bootstrap.servers": bootstrap,
            "security.protocol": "ssl",
            "ssl.ca.location": str(self.trusted),
            "ssl.certificate.location": str(mine / CERTIFICATE),
            "ssl.key.location": str(mine / KEY),
        }
