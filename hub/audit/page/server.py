"""Serving the auditor's page in a process of its own: on this machine alone, or elsewhere with TLS.

Invariant: plain HTTP is spoken on loopback addresses only (the settings see to it).
"""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from hub.audit.page.app import create_app
from hub.audit.page.evidence import Evidence
from hub.audit.page.looks import PATIENCE, Looks
from hub.audit.page.tokens import tokens_of
from hub.entrypoints.house import House, open_house
from hub.entrypoints.settings import SettingsError, load_settings
from projections.process.logs import set_up_logs
from projections.process.web_server import ServedAt, ServingError, WebServer

_AT_ONCE: Final = 50
_log = structlog.get_logger("spojka.hub.audit")


class AuditServer:
    """The page. Raises `SettingsError` on making where its address or certificate cannot be used."""

    def __init__(
        self, house: House, *, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        settings = house.settings
        certificate, key = (path and settings.home / path for path in (settings.audit_certificate, settings.audit_key))
        at = ServedAt(
            name="The auditor's page",
            host=settings.audit_host,
            port=settings.audit_port,
            port_setting="audit_port",
            certificate=certificate,
            key=key,
            at_once=_AT_ONCE,
        )
        self._evidence = Evidence(house)
        self._looks = Looks(house, self._evidence, clock=clock, patience=patience)
        app = create_app(house, self._evidence, self._looks, tokens_of(settings), secure=at.secure, clock=clock)
        try:
            self._server = WebServer(app, at)
        except ServingError as error:
            self._evidence.close()
            raise SettingsError(error.problem + ".", advice=error.advice) from error
        self._secure = at.secure

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        scheme = "https" if self._secure else "http"
        host = f"[{self._server.host}]" if ":" in self._server.host else self._server.host
        return f"{scheme}://{host}:{self._server.port}/"

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        _log.info("audit-page.served", address=self.address)
        try:
            await self._server.run(stop)
        finally:
            await self._looks.close()
            await asyncio.to_thread(self._evidence.close)


def serve_page(home: Path | None, *, told: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; `told` gets the address once it is listened on. Raises `SettingsError`, `KeyFileError`."""
    settings = load_settings(home=home)
    set_up_logs("spojka-audit")
    house = open_house(settings)
    house.mapper()  # whether the log can be read is told now

    async def served() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        server = AuditServer(house)
        told(server.address)
        await server.run(stop)

    asyncio.run(served())
