"""Whatever the order in which transactions of a local system commit and polls happen, nothing is lost and nothing is doubled."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.connectors.sql_poll import poll
from tests.local_database import ReadingUnit, Vendor, plan, vendor_on_sqlite
from tests.simulated_hub import NOON

if TYPE_CHECKING:
    from adapters.process.unit_house import UnitHouse

BEGIN = st.tuples(st.just("begin"), st.integers(1, 5), st.integers(1, 9))
COMMIT = st.tuples(st.just("commit"), st.integers(0, 9), st.just(0))
POLL = st.tuples(st.just("poll"), st.just(0), st.just(0))
CUT = st.tuples(st.just("cut"), st.integers(0, 2), st.just(0))
PASS = st.tuples(st.just("pass"), st.sampled_from([1, 30, 90, 600]), st.just(0))
STEPS = st.lists(st.one_of(BEGIN, COMMIT, POLL, CUT, PASS), min_size=5, max_size=40)


@dataclass
class World:
    """A vendor's system with transactions under way, and the unit that polls it."""

    vendor: Vendor
    unit: ReadingUnit
    now: datetime = NOON
    pending: list[tuple[int, int, datetime]] = field(default_factory=list)
    visible: dict[int, int] = field(default_factory=dict)

    def step(self, house: UnitHouse, action: str, first: int, second: int) -> None:
        match action:
            case "begin":
                self.pending.append((first, second, self.now))
            case "commit" if self.pending:
                row, hours, stamp = self.pending.pop(first % len(self.pending))
                self.vendor.put(row, hours, changed=stamp)
                self.visible[row] = hours
            case "poll":
                poll(house, plan(self.vendor))
            case "cut":
                recorded = count()
                poll(house, plan(self.vendor), stopped=lambda: next(recorded) >= first)
            case "pass":
                self.now += timedelta(minutes=first)
                self.unit.set(self.now)


LATE = [
    ("begin", 1, 1),
    ("pass", 600, 0),
    ("begin", 2, 2),
    ("commit", 1, 0),
    ("poll", 0, 0),
    ("commit", 0, 0),
    ("poll", 0, 0),
]
"""A transaction that commits ten hours after it took its stamp, behind what was polled: random ones seldom do."""


@settings(max_examples=25, deadline=None)
@given(STEPS)
@example(LATE)
def test_every_committed_row_is_recorded_once_with_its_last_state(steps: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        world = World(vendor_on_sqlite(Path(folder) / "vendor.db"), ReadingUnit.make(home))
        with world.unit.house() as house:
            for one in steps:
                world.step(house, *one)
            world.step(house, "pass", 25 * 60, 0)
            world.step(house, "poll", 0, 0)
            again = poll(house, plan(world.vendor))
        world.vendor.engine.dispose()
        recorded = world.unit.recorded()
    assert {int(row): states[-1] for row, states in recorded.items()} == {
        row: str(hours) for row, hours in world.visible.items()
    }
    assert all(before != after for states in recorded.values() for before, after in pairwise(states))
    assert not again.states, "the same state was recorded again"
