"""Work at both desks while something fails, and old messages again, in any order, beside it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from projections.kafka.batch_producer import BatchProducer
from projections.kafka.errors import TransportError
from tests.faults.district import OP, VZ, District, until

_OPEN_AT_MOST = 60
_ECHO = 12


class Load:
    """What goes on while the context of `under_load` is open."""

    def __init__(self, district: District, chosen: random.Random) -> None:
        self._district = district
        self._chosen = chosen
        self.over = asyncio.Event()

    async def more(self, messages: int, *, within: float) -> bool:
        """Wait until so many more were recorded; False where answers stopped coming before."""
        try:
            await until(partial(self._has_grown, len(self._district.ledger.sent) + messages), within=within)
        except TimeoutError:
            return False
        return True

    async def record(self) -> None:
        """Both units record, as fast as answers come."""
        while not self.over.is_set():
            for unit in (OP, VZ):
                entries = self._chosen.randint(1, 9)
                await asyncio.to_thread(self._district.record, unit, entries, chosen=self._chosen)
            await until(self._room)

    async def echo(self) -> None:
        """Somebody sends what was sent, and what is about to be, again and out of order."""
        async with BatchProducer(connection=self._district.hub.connection) as producer:
            while not self.over.is_set():
                known = self._district.ledger.all()
                again = self._chosen.sample(known[-4 * _ECHO :], min(len(known), _ECHO))
                with suppress(TransportError):
                    await producer.send([self._district.hub.outgoing(one.signed, one.key) for one in again])
                await until(partial(self._has_grown, len(known) + _ECHO))

    def _room(self) -> bool:
        busiest = max(self._district.open_at(unit) for unit in (OP, VZ))
        return busiest < _OPEN_AT_MOST or self.over.is_set()

    def _has_grown(self, wanted: int) -> bool:
        return self.over.is_set() or len(self._district.ledger.sent) >= wanted


@asynccontextmanager
async def under_load(district: District, chosen: random.Random | None = None) -> AsyncIterator[Load]:
    """Load until the end of the block; then everything sent is answered, given, and compared with what the hub and the units hold."""
    load = Load(district, chosen or random.Random())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.record())
        tasks.create_task(load.echo())
        try:
            yield load
        finally:
            load.over.set()
    await district.check()
