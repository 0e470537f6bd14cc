"""Serving the answer page in a process of its own: it is the one thing of an adapter that others than its workers may reach.

Invariants: plain HTTP is spoken on loopback addresses only (the settings see to it); a private key that others may read is refused; no address and no
link is in any log; stopping lets what was begun end, for a few seconds.
"""

import asyncio
import os
import socket
import ssl
import stat
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn

from adapters.partners.answering import Desk
from adapters.partners.links import links_of
from adapters.partners.page import create_page
from adapters.process.unit_house import UnitHouse
from adapters.settings import AdapterSettings, SettingsError

_GRACE: Final = 5
"""Seconds for what was begun."""
_AT_ONCE: Final = 50
_log = structlog.get_logger("spojka.adapter")


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    def capture_signals(self) -> AbstractContextManager[Any]:  # type: ignore[override] # uvicorn types it as a generator
        """None are captured."""
        return nullcontext()


class AnswerServer:
    """The page of some units. Raises `SettingsError` on making where its address or certificate cannot be used."""

    def __init__(self, settings: AdapterSettings, houses: Sequence[UnitHouse]) -> None:
        desks = [Desk(house, links_of(house.folder, house.unit)) for house in houses]
        context = None if settings.answer_certificate is None else _tls(settings)
        config = uvicorn.Config(
            create_page(desks, secure=context is not None),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            limit_concurrency=_AT_ONCE,
            timeout_graceful_shutdown=_GRACE,
            ssl_context_factory=None if context is None else lambda *_: context,
        )
        config.load()
        self._socket = _listening(settings.answer_host, settings.answer_port)
        self._server = _Server(config)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._socket.getsockname()[1])

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        stopping = asyncio.create_task(self._stop_with(stop))
        _log.info("answer page served", port=self.port)
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            stopping.cancel()
            self._socket.close()

    async def _stop_with(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._server.should_exit = True


def _listening(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(found[0], socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(found[4])
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise SettingsError(
            f"The answer page cannot listen on {host}, port {port}: {error.strerror}",
            advice="Take another `answer_port`, or stop what listens there.",
        ) from error
    return listening


def _tls(settings: AdapterSettings) -> ssl.SSLContext:
    certificate, key = (settings.home / (path or Path()) for path in (settings.answer_certificate, settings.answer_key))
    try:
        mode = key.stat().st_mode
        if os.name == "posix" and stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(
                f"Others may read {key}",
                advice="If nobody can have read it: chmod 600. Else have a new certificate made.",
            )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            "The answer page's certificate or key does not read",
            advice="Both are PEM, and the key is the certificate's own.",
        ) from error
    return context
