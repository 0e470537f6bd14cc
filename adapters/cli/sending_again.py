"""`spojka-adapter send-again`: when the operator asks for it, after the hub was restored from a backup.

Invariant: nothing is written anew and nothing here changes; saying it twice costs nothing but time.
"""

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from adapters.cli.opening import Home, Lang, Opened, Unit, opened
from adapters.exchange.sending_again import send_again
from projections.kafka.batch_producer import BatchProducer

Since = Annotated[
    datetime, typer.Option(help="From before the backup that the hub was restored from; ask the operator.")
]


def send_again_since(since: Since, *, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """Send again what the hub had answered and may have forgotten: only when the operator asks for it."""
    with opened(home, unit, lang) as here:
        count = asyncio.run(_send(here, here.instant(since) or since))
        here.out.print(f"{here.words['sent-again']}: {count}", markup=False)


async def _send(here: Opened, since: datetime) -> int:
    house = here.house
    async with BatchProducer(connection=house.settings.connection(house.unit)) as producer:
        return await send_again(house.store, producer, partitions=house.directory.listed.partitions, since=since)
