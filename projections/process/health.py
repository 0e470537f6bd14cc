"""`/health` and `/metrics` of a process, over HTTP on this machine.

Invariants: listens on loopback unless told otherwise; answers from a thread of its own, so that a busy process still answers; tells counts and coded
states only. `/health` is 200 while the process can do its work and 503 otherwise (health check response format of draft-inadarei-api-health-check:
`status` is `pass`, `warn` or `fail`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Final, Literal, Self

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

Status = Literal["pass", "warn", "fail"]
"""`warn`: works, but a person should look."""

HEALTH_TYPE: Final = "application/health+json"
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Health:
    """How a process is; `checks` holds counts and coded states by name."""

    status: Status
    checks: Mapping[str, object] = field(default_factory=dict)

    def document(self) -> bytes:
        """As JSON."""
        return json.dumps({"status": self.status, "checks": dict(self.checks)}, default=str).encode()


class PortError(Exception):
    """Health and metrics cannot be served where the settings say."""

    def __init__(self, host: str, port: int, *, reason: str) -> None:
        self.problem = f"Health and metrics cannot listen on {host}:{port}: {reason}"
        self.advice = "Another process may have the port: set another one, or 0 for any that is free."
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
    ) -> None:
        self._health = health
        self._address = (host, port)
        self._registry = registry
        self._server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._address[1] if self._server is None else int(self._server.server_address[1])

    def __enter__(self) -> Self:
        try:
            self._server = ThreadingHTTPServer(self._address, _handler(self._health, self._registry))
        except OSError as error:
            host, port = self._address
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


def _handler(health: Callable[[], Health], registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Two paths, no state."""

        def do_GET(self) -> None:
            """Answer one request."""
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
