"""Serving the API: on this machine alone, or elsewhere with TLS (`projections.process.web_server`).

Invariant: plain HTTP is spoken on loopback addresses only (the settings see to it).
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from adapters.api.app import create_app
from adapters.api.served_unit import ServedUnit
from adapters.process.unit_house import UnitHouse
from adapters.settings import AdapterSettings, SettingsError
from projections.process.web_server import ServedAt, ServingError, WebServer

_AT_ONCE: Final = 100
"""Connections; more are answered 503."""

_log = structlog.get_logger("spojka.adapter")


class ApiServer:
    """The API of some units. Raises `SettingsError` on making where its address or certificate cannot be used."""

    def __init__(self, settings: AdapterSettings, houses: Sequence[UnitHouse]) -> None:
        self._units = [ServedUnit(house) for house in houses]
        certificate, key = (path and settings.home / path for path in (settings.api_certificate, settings.api_key))
        at = ServedAt(
            name="The local API",
            host=settings.api_host,
            port=settings.api_port or 0,
            port_setting="api_port",
            certificate=certificate,
            key=key,
            at_once=_AT_ONCE,
        )
        try:
            self._server = WebServer(create_app(self._units), at)
        except ServingError as error:
            raise SettingsError(error.problem, advice=error.advice) from error

    @property
    def host(self) -> str:
        """The address that is listened on."""
        return self._server.host

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.port

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        _log.info("api served", port=self.port)
        try:
            await self._server.run(stop)
        finally:
            for one in self._units:
                one.close()
