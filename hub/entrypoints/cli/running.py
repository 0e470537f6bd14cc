"""Running the hub.

Invariant: nothing else of the command line loads what running needs.
"""

import asyncio
import signal
from contextlib import suppress
from typing import Annotated

import typer

from hub.entrypoints.cli.opening import Home
from hub.entrypoints.house import open_house
from hub.entrypoints.roles import Role
from hub.entrypoints.running import run_roles
from hub.entrypoints.settings import load_settings
from hub.infrastructure.postgres.migrate import migrate
from projections.process.logs import set_up_logs
from projections.process.memory import share_one_heap


def run(
    role: Annotated[list[Role] | None, typer.Option(help="Which roles to run; all when not given.")] = None,
    home: Home = None,
) -> None:
    """Run the hub for one shard (SPOJKA_HUB_SHARD) until SIGTERM or Ctrl-C."""
    share_one_heap()
    settings = load_settings(home=home)
    set_up_logs("spojka-hub")
    house = open_house(settings)
    house.mapper()  # whether the log can be read is told now
    if settings.database_users is None:  # who has a part's privileges alone makes no tables: `spojka-hub migrate` did
        migrate(settings.database, settings.shard)

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run_roles(house, role or list(Role), stop)

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())
