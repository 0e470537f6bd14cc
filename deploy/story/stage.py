"""The stage: houses of all units opened beside their running adapters, a worker for each, and the clock that moves them on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Self

from adapters.process.unit_house import UnitHouse
from adapters.settings import load_settings
from contracts.names import UnitId
from deploy.story.actors import Names, Worker
from deploy.story.clock import morning, next_stop
from deploy.story.ink import Ink
from deploy.story.places import INSTITUTION_OF, UNITS
from deploy.story.premises import Premises
from deploy.story.quiet import Quiet
from deploy.story.script import Mishaps, Row

_BETWEEN_ROWS: Final = timedelta(minutes=10)


class TownStage:
    """Plays rows: moves the clock to the row's day, lets its act happen, waits for rest."""

    def __init__(self, premises: Premises, *, mishaps: Callable[["TownStage"], Mishaps], ink: Ink) -> None:
        self.premises = premises
        self.houses = {unit: UnitHouse.open(load_settings(premises.home(INSTITUTION_OF[unit])), unit) for unit in UNITS}
        self.quiet = Quiet(
            premises.dsn,
            self.houses,
            keys_dsn=premises.keys_dsn,
            logs=premises.logs,
            check_alive=premises.check_alive,
        )
        self.names = Names()
        self.ink = ink
        self.away: set[UnitId] = set()
        """Units whose line is down: nobody waits for them."""
        self.mishaps = mishaps(self)
        self._workers = {
            unit: Worker(house, self.names, client=UNITS[unit].case_number, ink=ink.of(unit))
            for unit, house in self.houses.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.quiet.close()
        for house in self.houses.values():
            house.close()

    def worker(self, unit: UnitId) -> Worker:
        """The worker of a unit who knows Karel."""
        return self._workers[unit]

    def settle(self) -> None:
        """Wait for rest, of all but those whose line is down."""
        self.quiet.wait(self.premises.clock.now(), without=self.away)

    def play(self, row: Row) -> None:
        """One row."""
        self.go_to(morning(row.day))
        self.premises.clock.move_to(self.premises.clock.now() + _BETWEEN_ROWS)
        row.act(self)
        self.settle()

    def go_to(self, at: datetime) -> None:
        """Move the clock on, letting everything happen that is due on the way."""
        clock = self.premises.clock
        while clock.now() < at:
            clock.move_to(next_stop(clock.now(), at, self.quiet.next_due()))
            self.settle()

    def reload_directories(self) -> None:
        """Take over the trust lists once every adapter has read the one that admits all units: rest is about feeds, lists come by another topic."""
        self.quiet.until(self._lacking)

    def _lacking(self) -> str | None:
        for house in self.houses.values():
            house.book.reload()
            if not house.directory.units.keys() >= UNITS.keys():
                return f"{house.unit} has no trust list yet that admits all units"
        return None
