"""`/health` and `/metrics` of a process, over HTTP on this machine.

Invariants: listens on loopback unless told otherwise, and elsewhere only over TLS and to whoever shows the token; answers from a thread of its own,
so that a busy process still answers; tells counts and coded states only. `/health` is 200 while the process can do its work and 503 otherwise (health
check response format of draft-inadarei-api-health-check: `status` is `pass`, `warn` or `fail`).
"""

import hmac
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, Literal, Self

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from projections.process.loopback import is_loopback
from projections.process.own_certificate import OwnCertificateError, serving_tls

Status = Literal["pass", "warn", "fail"]
"""`warn`: works, but a person should look."""

HEALTH_TYPE: Final = "application/health+json"
LOOPBACK: Final = "127.0.0.1"
_SILENCE: Final = 10.0
"""Seconds after which somebody who says nothing is let go."""
_OTHER_PORT: Final = "Another process may have the port: set another one, or 0 for any that is free."


@dataclass(frozen=True, slots=True)
class Health:
    """How a process is; `checks` holds counts and coded states by name."""

    status: Status
    checks: Mapping[str, object] = field(default_factory=dict)

    def document(self) -> bytes:
        """As JSON."""
        return json.dumps({"status": self.status, "checks": dict(self.checks)}, default=str).encode()


@dataclass(frozen=True, slots=True)
class Guard:
    """What lets health and metrics be asked from other machines: TLS, and a token that the asker shows (`Authorization: Bearer …`)."""

    certificate: Path
    key: Path
    token: str = field(repr=False)

    def context(self) -> ssl.SSLContext:
        """For the server's side. Raises `OwnCertificateError`."""
        return serving_tls(self.certificate, self.key)

    def lets_in(self, shown: str | None) -> bool:
        """Whether this is the token, told in the same time whatever it is."""
        return hmac.compare_digest((shown or "").encode(), f"Bearer {self.token}".encode())


class PortError(Exception):
    """Health and metrics cannot be served where, or as, the settings say."""

    def __init__(self, host: str, port: int, *, reason: str, advice: str = _OTHER_PORT) -> None:
        self.problem = f"Health and metrics cannot listen on {host}:{port}: {reason}"
        self.advice = advice
        super().__init__(f"{self.problem}. {self.advice}")


class HealthEndpoint:
    """Serves `/health` and `/metrics` while it is entered; `health` is asked at each request, from another thread.

    Port 0 takes a free one: see `port`. Raises `PortError` on entry where it cannot listen there.
    """

    def __init__(
        self,
        health: Callable[[], Health],
        *,
        port: int,
        host: str = LOOPBACK,
        registry: CollectorRegistry = REGISTRY,
        guard: Guard | None = None,
    ) -> None:
        if guard is None and not is_loopback(host):
            raise PortError(host, port, reason="beyond this machine it wants TLS and a token")
        self._guard = guard
        self._health = health
        self._address = (host, port)
        self._registry = registry
        self._server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._address[1] if self._server is None else int(self._server.server_address[1])

    def __enter__(self) -> Self:
        host, port = self._address
        try:
            context = None if self._guard is None else self._guard.context()
            self._server = ThreadingHTTPServer(self._address, _handler(self._health, self._registry, self._guard))
            if context is not None:  # hands are shaken in the request's own thread: who is silent holds nobody else up
                self._server.socket = context.wrap_socket(
                    self._server.socket, server_side=True, do_handshake_on_connect=False
                )
        except OwnCertificateError as error:
            raise PortError(host, port, reason=error.problem, advice=error.advice) from error
        except OSError as error:
            raise PortError(host, port, reason=error.strerror or str(error)) from error
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def _handler(
    health: Callable[[], Health], registry: CollectorRegistry, guard: Guard | None
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Two paths, no state."""

        timeout = _SILENCE

        def do_GET(self) -> None:
            """Answer one request."""
            if guard is not None and not guard.lets_in(self.headers.get("Authorization")):
                self._answer(HTTPStatus.UNAUTHORIZED, "text/plain", b"Show the token.\n")
                return
            match self.path:
                case "/health":
                    found = health()
                    status = HTTPStatus.SERVICE_UNAVAILABLE if found.status == "fail" else HTTPStatus.OK
                    self._answer(status, HEALTH_TYPE, found.document())
                case "/metrics":
                    self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry))
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"Ask for /health or /metrics.\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
            """Say nothing: a scrape every few seconds is no news."""

        def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
