"""A receiver of webhooks that behaves as it is told, on a real port; and, run as a program, an adapter's sender alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

from standardwebhooks import Webhook

from adapters.followers.webhooks.sending import WebhooksSending
from adapters.process.unit_databases import UnitDatabases
from contracts.names import UnitId
from projections.process.clock import SystemClock

LOOPBACK = (ip_network("127.0.0.0/8"),)
AT_ONCE = tuple(timedelta() for _ in range(3))


@dataclass
class Receiver:
    """Keeps every request. `behave` gets the handler and answers, or does not."""

    behave: Callable[[BaseHTTPRequestHandler], None] = field(default=lambda handler: answer(handler, 204))
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    closing: Event = field(default_factory=Event)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
                receiver.behave(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/spojka"

    @property
    def ids(self) -> list[str]:
        """The `webhook-id` of every request."""
        return [headers["webhook-id"] for headers, _ in self.taken]

    def verified(self, secret: str) -> list[dict[str, Any]]:
        """What came, as the library of a receiver checks it."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.taken]


def answer(handler: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
    """Answer without a body."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def main() -> None:
    """`python -m tests.integration.api.webhook_receiver FOLDER UNIT`: send what waits, until killed."""
    folder, unit = Path(sys.argv[1]), UnitId(sys.argv[2])
    store = UnitDatabases.of(folder, unit).open_store()
    sending = WebhooksSending(
        store, folder, unit=unit, now=SystemClock().now, networks=LOOPBACK, pauses=AT_ONCE, patience=60
    )
    asyncio.run(sending.run(asyncio.Event()))


if __name__ == "__main__":
    main()
