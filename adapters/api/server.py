"""Serving the API: on this machine alone, or elsewhere with TLS.

Invariants: plain HTTP is spoken on loopback addresses only; a private key that others may read is refused; no address, body or header of a request
is in any log; stopping lets what was begun end, for a few seconds.
"""

import asyncio
import os
import socket
import ssl
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn

from adapters.api.app import create_app
from adapters.api.served_unit import ServedUnit
from adapters.process.unit_house import UnitHouse
from adapters.settings import AdapterSettings, SettingsError

_GRACE: Final = 5
"""Seconds for what was begun."""
_AT_ONCE: Final = 100
"""Connections; more are answered 503."""

_log = structlog.get_logger("spojka.adapter")


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    def capture_signals(self) -> Any:  # noqa: ANN401 - uvicorn's own context manager
        """None are captured."""
        return nullcontext()


class ApiServer:
    """The API of some units. Raises `SettingsError` on making where its address or certificate cannot be used."""

    def __init__(self, settings: AdapterSettings, houses: Sequence[UnitHouse]) -> None:
        self._units = [ServedUnit(house) for house in houses]
        self._socket = _listening(settings.api_host, settings.api_port or 0)
        config = uvicorn.Config(
            create_app(self._units),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            limit_concurrency=_AT_ONCE,
            timeout_graceful_shutdown=_GRACE,
            ssl_context_factory=None if settings.api_certificate is None else lambda *_: _tls(settings),
        )
        try:
            config.load()
        except BaseException:
            self._socket.close()
            raise
        self._server = _Server(config)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._socket.getsockname()[1])

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        stopping = asyncio.create_task(self._stop_with(stop))
        _log.info("api served", port=self.port)
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            stopping.cancel()
            self._socket.close()
            for one in self._units:
                one.close()

    async def _stop_with(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._server.should_exit = True


def _listening(host: str, port: int) -> socket.socket:
    with _told(
        f"The local API cannot listen on {host}, port {port}", "Take another `api_port`, or stop what listens there."
    ):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(found[0], socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(found[4])
        except OSError:
            listening.close()
            raise
    return listening


def _tls(settings: AdapterSettings) -> ssl.SSLContext:
    certificate, key = (settings.home / (path or "") for path in (settings.api_certificate, settings.api_key))
    _only_for_its_owner(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with _told("The API's certificate or key does not read", "Both are PEM, and the key is the certificate's own."):
        context.load_cert_chain(certificate, key)
    return context


def _only_for_its_owner(key: Path) -> None:
    with _told(f"The API's key does not read: {key}", "Put it there, readable by the adapter's user alone."):
        mode = key.stat().st_mode
    if os.name == "posix" and stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(
            f"Others may read {key}", advice="If nobody can have read it: chmod 600. Else have a new certificate made."
        )


@contextmanager
def _told(problem: str, advice: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"{problem} ({type(error).__name__})", advice=advice) from error
