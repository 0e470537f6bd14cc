"""What the log was told of deliveries, by the position that was delivered. Pure.

Invariants: about twenty bytes a delivery, whatever their number; a report is in the order of the log.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from contracts.messages.hub import DeliveryReported
from contracts.names import UnitId


class Told(NamedTuple):
    """One slot of a feed: reported at `reported`, a position of the log."""

    reported: int
    at: datetime
    position: int
    unit: UnitId
    given: bool


@dataclass(slots=True)
class Reports:
    """All of them. `add` in the order of the log, then ask."""

    _positions: "array[int]" = field(default_factory=lambda: array("Q"))
    _reported: "array[int]" = field(default_factory=lambda: array("Q"))
    _units: "array[int]" = field(default_factory=lambda: array("H"))
    """Number of the unit, doubled; odd where it was withheld."""
    _numbers: dict[UnitId, int] = field(default_factory=dict)
    _names: list[UnitId] = field(default_factory=list)
    _times: dict[int, datetime] = field(default_factory=dict)
    _sorted: bool = True

    def add(self, facts: DeliveryReported, *, position: int, at: datetime) -> None:
        """One report."""
        self._times[position] = at
        for name in sorted({one.unit for one in facts.deliveries} - self._numbers.keys()):
            self._numbers[name] = len(self._names)
            self._names.append(name)
        numbers = self._numbers
        self._positions.extend([one.position for one in facts.deliveries])
        self._reported.extend([position] * len(facts.deliveries))
        self._units.extend([2 * numbers[one.unit] + (one.verdict != "given") for one in facts.deliveries])
        self._sorted = False

    def of(self, position: int) -> Iterator[Told]:
        """What was reported of one position."""
        self._settle()
        place = bisect_left(self._positions, position)
        while place < len(self._positions) and self._positions[place] == position:
            number, withheld = divmod(self._units[place], 2)
            reported = self._reported[place]
            yield Told(reported, self._times[reported], position, self._names[number], given=not withheld)
            place += 1

    def beyond(self, size: int) -> Iterator[Told]:
        """What was reported of positions that the log does not reach."""
        self._settle()
        place = bisect_left(self._positions, size)
        for position in sorted(set(self._positions[place:])):
            yield from self.of(position)

    def settle(self) -> None:
        """Sort now, so that those who share this memory need not."""
        self._settle()

    def _settle(self) -> None:
        if self._sorted:
            return
        order = sorted(range(len(self._positions)), key=self._positions.__getitem__)
        self._positions = array("Q", (self._positions[one] for one in order))
        self._reported = array("Q", (self._reported[one] for one in order))
        self._units = array("H", (self._units[one] for one in order))
        self._sorted = True
