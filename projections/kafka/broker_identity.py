"""Which broker a client was built for, and whether it still answers.

Invariant: `cluster` names the cluster that every connection in `checked` leads to; a connection made since then may lead
to another, until `verify` has asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from projections.kafka.direct_requests import cluster_id, open_connections
from projections.kafka.errors import BrokerReplacedError

if TYPE_CHECKING:
    from projections.kafka.connection import KafkaConnection


class BrokerIdentity:
    """The address and cluster id of one client's broker; raises `BrokerReplacedError` when either changed."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._checked: frozenset[Any] = frozenset()
        self.address = connection.address()
        self.cluster = ""

    def same_address(self) -> None:
        """Compare the address with the one that is published now."""
        address = self._connection.address()
        if address != self.address:
            raise BrokerReplacedError(reason="address", before=self.address, now=address)

    async def verify(self, client: Any) -> None:  # noqa: ANN401  # aiokafka is untyped
        """Compare address and cluster id; learns the cluster id the first time."""
        self.same_address()
        cluster = await cluster_id(client)
        if self.cluster and cluster != self.cluster:
            raise BrokerReplacedError(reason="cluster", before=self.cluster, now=cluster)
        self.cluster = cluster
        self._checked = open_connections(client)

    def verified(self, client: Any) -> bool:  # noqa: ANN401  # as above
        """Whether no connection was made since `verify`."""
        return open_connections(client) == self._checked
