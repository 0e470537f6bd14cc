"""What runs beside a unit while the adapter runs, and which the unit itself knows nothing of: followers, connectors that ask by themselves.

Invariant: a companion keeps its own troubles to itself and shows them; what it raises nevertheless ends the unit's run, as any part's failure does.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from adapters.process.unit_house import UnitHouse


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
