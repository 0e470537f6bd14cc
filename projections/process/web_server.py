"""Serving a page or an API over HTTP: on this machine alone, or elsewhere with TLS.

Invariants: a private key that others may read is refused; no address, body or header of a request is in any log; stopping lets what was begun end,
for a few seconds. That plain HTTP is spoken on loopback addresses only is checked by the settings that name the address.
"""

import asyncio
import os
import socket
import stat
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from projections.process.own_certificate import OwnCertificateError, serving_tls

if TYPE_CHECKING:
    import ssl

    from starlette.types import ASGIApp

_GRACE: Final = 5
"""Seconds for what was begun."""


class ServingError(Exception):
    """It cannot be served where, or as, the settings say."""

    def __init__(self, problem: str, *, advice: str) -> None:
        super().__init__(f"{problem}. {advice}")
        self.problem = problem
        self.advice = advice


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAt:
    """Where something is served. Its names are those that whoever set it up knows it by."""

    name: str
    """As a sentence begins with it: `The local API`."""
    host: str
    port: int
    port_setting: str
    certificate: Path | None = None
    key: Path | None = None
    at_once: int = 100
    """Connections; more are answered 503."""

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.certificate is not None


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    def capture_signals(self) -> AbstractContextManager[Any]:  # type: ignore[override] # uvicorn types it as a generator
        """None are captured."""
        return nullcontext()


class WebServer:
    """Serves an application. Raises `ServingError` on making where address or certificate cannot be used."""

    def __init__(self, app: "ASGIApp", at: ServedAt) -> None:
        context = _tls(at) if at.certificate is not None and at.key is not None else None
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            limit_concurrency=at.at_once,
            timeout_graceful_shutdown=_GRACE,
            ssl_context_factory=None if context is None else lambda *_: context,
        )
        config.load()
        self._socket = _listening(at)
        self._server = _Server(config)

    @property
    def host(self) -> str:
        """The address that is listened on."""
        return str(self._socket.getsockname()[0])

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._socket.getsockname()[1])

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        stopping = asyncio.create_task(self._stop_with(stop))
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            stopping.cancel()
            self.close()

    def close(self) -> None:
        """Listen no longer."""
        self._socket.close()

    async def _stop_with(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._server.should_exit = True


def _listening(at: ServedAt) -> socket.socket:
    try:
        found = socket.getaddrinfo(at.host, at.port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(found[0], socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(found[4])
            listening.listen()  # whoever is told the address may come at once, and waits until somebody answers
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise ServingError(
            f"{at.name} cannot listen on {at.host}, port {at.port} ({error.strerror or type(error).__name__})",
            advice=f"Take another `{at.port_setting}`, or stop what listens there.",
        ) from error
    return listening


def _tls(at: ServedAt) -> "ssl.SSLContext":
    assert at.certificate is not None  # noqa: S101 - the caller looked
    assert at.key is not None  # noqa: S101 - the caller looked
    _only_for_its_owner(at.name, at.key)
    try:
        return serving_tls(at.certificate, at.key)
    except OwnCertificateError as error:
        raise ServingError(f"{at.name}: {error.problem}", advice=error.advice) from error


def _only_for_its_owner(name: str, key: Path) -> None:
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise ServingError(
            f"{name}: its key does not read: {key} ({type(error).__name__})",
            advice="Put it there, readable by its owner alone.",
        ) from error
    if os.name == "posix" and stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ServingError(
            f"Others may read {key}", advice="If nobody can have read it: chmod 600. Else have a new certificate made."
        )
