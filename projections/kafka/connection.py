"""How to reach the broker: address and security, the same for reading and writing.

Invariant: address, sign-in and trusted authorities are asked for at each (re)connect, never kept: a broker may come back elsewhere, and passwords and
certificates are renewed while we run.
"""

from __future__ import annotations

import ssl  # kept at run time so that the dataclass can be resolved by settings models
from collections.abc import Callable  # as above
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from projections.kafka.errors import BrokerUnreachableError, CaFileError
from projections.kafka.sign_in import SignIn

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConnection:
    """Where the broker is and who we are.

    `bootstrap` returns `host:port[,host:port…]` as of now (read from a settings value or a run state file).
    `request_timeout` and `fetch_max_wait` are seconds: a hanging broker is given up after the first,
    an idle fetch is answered after the second. A record ends it at once at Apache Kafka; at the embedded broker it waits for that end.
    `trusted` is a PEM file of authorities; without it, those of the machine.
    """

    bootstrap: Callable[[], str]
    client_id: str = "spojka"
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    sign_in: Callable[[], SignIn] | None = None
    trusted: Path | None = None
    request_timeout: float = 5.0
    fetch_max_wait: float = 0.05

    def address(self) -> str:
        """The address as of now; raises `BrokerUnreachableError` if none is published."""
        try:
            return self.bootstrap()
        except Exception as error:
            raise BrokerUnreachableError(address="an unknown address", cause=repr(error)) from error

    def client_options(self, address: str) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client takes. Raises `SignInFileError`, `CaFileError`."""
        sign_in = None if self.sign_in is None else self.sign_in()
        return {
            "bootstrap_servers": address,
            "client_id": self.client_id,
            "request_timeout_ms": int(self.request_timeout * 1000),
            "security_protocol": self.security_protocol,
            "ssl_context": self._tls(),
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": None if sign_in is None else sign_in.user,
            "sasl_plain_password": None if sign_in is None else sign_in.password,
        }

    def _tls(self) -> ssl.SSLContext | None:
        if not self.security_protocol.endswith("SSL"):
            return None
        try:
            return ssl.create_default_context(cafile=self.trusted)
        except (OSError, ssl.SSLError) as error:
            raise CaFileError(path=self.trusted or Path("of this machine")) from error
