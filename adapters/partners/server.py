"""Serving the answer page in a process of its own: it is the one thing of an adapter that others than its workers may reach.

Invariant: plain HTTP is spoken on loopback addresses only (the settings see to it).
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from adapters.partners.answering import Desk
from adapters.partners.links import links_of
from adapters.partners.page import create_page
from adapters.process.unit_house import UnitHouse
from adapters.settings import AdapterSettings, SettingsError
from projections.process.web_server import ServedAt, ServingError, WebServer

_AT_ONCE: Final = 50
_log = structlog.get_logger("spojka.adapter")


class AnswerServer:
    """The page of some units. Raises `SettingsError` on making where its address or certificate cannot be used."""

    def __init__(self, settings: AdapterSettings, houses: Sequence[UnitHouse]) -> None:
        desks = [Desk(house, links_of(house.folder, house.unit)) for house in houses]
        certificate, key = (
            path and settings.home / path for path in (settings.answer_certificate, settings.answer_key)
        )
        at = ServedAt(
            name="The answer page",
            host=settings.answer_host,
            port=settings.answer_port,
            port_setting="answer_port",
            certificate=certificate,
            key=key,
            at_once=_AT_ONCE,
        )
        try:
            self._server = WebServer(create_page(desks, secure=at.secure), at)
        except ServingError as error:
            raise SettingsError(error.problem, advice=error.advice) from error

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.port

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        _log.info("answer page served", port=self.port)
        await self._server.run(stop)
