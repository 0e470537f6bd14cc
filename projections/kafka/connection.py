"""How to reach the broker: address and security, the same for reading and writing.

Invariant: the address is asked for at each (re)connect, never kept, since a broker may come back elsewhere.
"""

from __future__ import annotations

import ssl  # kept at run time so that the dataclass can be resolved by settings models
from collections.abc import Callable  # as above
from dataclasses import dataclass, field
from typing import Any, Literal

from projections.kafka.errors import BrokerUnreachableError

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConnection:
    """Where the broker is and who we are.

    `bootstrap` returns `host:port[,host:port…]` as of now (read from a settings value or a run state file).
    `request_timeout` and `fetch_max_wait` are seconds: a hanging broker is given up after the first,
    an idle fetch is answered after the second.
    """

    bootstrap: Callable[[], str]
    client_id: str = "spojka"
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_context: ssl.SSLContext | None = None
    request_timeout: float = 5.0
    fetch_max_wait: float = 0.02

    def address(self) -> str:
        """The address as of now; raises `BrokerUnreachableError` if none is published."""
        try:
            return self.bootstrap()
        except Exception as error:
            raise BrokerUnreachableError(address="an unknown address", cause=repr(error)) from error

    def client_options(self, address: str) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client takes."""
        return {
            "bootstrap_servers": address,
            "client_id": self.client_id,
            "request_timeout_ms": int(self.request_timeout * 1000),
            "security_protocol": self.security_protocol,
            "ssl_context": self.ssl_context,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
        }
