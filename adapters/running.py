"""Running the adapter: its units, what works beside them, and the local API where it is switched on. The one place that puts these together.

Invariant: nothing of the API is loaded where it is not served.
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated

import typer

from adapters.cli.opening import Home
from adapters.connectors.sql_polls import polls_of
from adapters.followers.configured import followers_at_work
from adapters.partners.mails_at_work import MailsAtWork
from adapters.process import runtime
from adapters.process.companion import Companion, Service
from adapters.process.sole_runner import sole_runner
from adapters.process.unit_house import UnitHouse
from adapters.settings import AdapterSettings, SettingsError, load_settings
from projections.process.ending import set_when_told
from projections.process.health import HealthEndpoint
from projections.process.logs import set_up_logs


def run(home: Home = None) -> None:
    """Run the adapter with all its units until it is told to stop (Ctrl-C, SIGTERM)."""
    runtime.run(load_settings(home), companions=companions_of, services=api_where_asked)


def api(
    home: Home = None,
    *,
    document: Annotated[bool, typer.Option("--document", help="Print the API's OpenAPI document and end.")] = False,
) -> None:
    """Serve the local API alone, without a line to the hub: what is recorded waits until the adapter runs."""
    if document:
        from adapters.api.document import text  # noqa: PLC0415 - the API is loaded where it is asked for only

        sys.stdout.write(text())
        return
    settings = load_settings(home)
    if settings.api_port is None:
        raise SettingsError("The local API is not switched on", advice="Set api_port, 8464 for instance.")
    set_up_logs("adapter")
    with ExitStack() as opened:
        opened.enter_context(sole_runner(settings.home))
        houses = runtime.open_units(settings, opened)
        asyncio.run(_serve(settings, houses))


def api_where_asked(settings: AdapterSettings, houses: Sequence[UnitHouse]) -> Sequence[Service]:
    """The API of these units where the settings have a port for it."""
    if settings.api_port is None:
        return ()
    from adapters.api.server import ApiServer  # noqa: PLC0415 - the API is loaded where it is served only

    return (ApiServer(settings, houses),)


def companions_of(house: UnitHouse) -> Sequence[Companion]:
    """What works beside one unit: followers of its journal, connectors that ask by themselves, and e-mails."""
    return [*followers_at_work(house), *polls_of(house), MailsAtWork(house)]


async def _serve(settings: AdapterSettings, houses: Sequence[UnitHouse]) -> None:
    stop = asyncio.Event()
    set_when_told(stop)
    (service,) = api_where_asked(settings, houses)
    with HealthEndpoint(lambda: runtime.health_of(houses), port=settings.health_port):
        await service.run(stop)
