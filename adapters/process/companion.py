"""What runs beside a unit while the adapter runs, and which the unit itself knows nothing of: followers, connectors that ask by themselves.

Invariant: a companion keeps its own troubles to itself and shows them; what it raises nevertheless ends the unit's run, as any part's failure does.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from adapters.process.unit_house import UnitHouse
from adapters.settings import AdapterSettings


class Companion(Protocol):
    """Works beside one unit."""

    def wake(self) -> None:
        """Something was written to the unit's database."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; `wake` is called once after that."""


CompanionsOf = Callable[[UnitHouse], Sequence[Companion]]


def no_companions(house: UnitHouse) -> Sequence[Companion]:
    """A unit by itself."""
    del house
    return ()


class Service(Protocol):
    """Works beside all units of an adapter."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""


ServicesOf = Callable[[AdapterSettings, Sequence[UnitHouse]], Sequence[Service]]


def no_services(settings: AdapterSettings, houses: Sequence[UnitHouse]) -> Sequence[Service]:
    """The units by themselves."""
    del settings, houses
    return ()
