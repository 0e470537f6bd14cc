"""What may not run ahead of the ledger knows when it would: dispatch first, intake at the hard limit, and whatever a restore took apart at once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hub.application.ledger_guard import Lag, LagLimits, LedgerGuard


@dataclass
class Places:
    size: int | None = 0
    position: int = 0
    now: float = 0.0

    def ledger(self) -> int | None:
        return self.size

    def log(self) -> int:
        return self.position


@pytest.fixture
def places() -> Places:
    return Places()


@pytest.fixture
def guard(places: Places) -> LedgerGuard:
    return LedgerGuard(places, LagLimits(10, 100), monotonic=lambda: places.now)


def test_dispatch_stops_before_intake_and_both_go_on_once_the_ledger_has_caught_up(
    guard: LedgerGuard, places: Places
) -> None:
    found = []
    for now, size, position in ((0, 0, 5), (10, 0, 50), (11, 0, 60), (100, 0, 70), (101, 0, 70), (102, 70, 70)):
        places.now, places.size, places.position = now, size, position
        found.append(guard.look())
    assert found == [Lag.NONE, Lag.NONE, Lag.BEHIND, Lag.BEHIND, Lag.FAR_BEHIND, Lag.NONE]


def test_a_ledger_that_follows_a_busy_log_from_behind_holds_nobody_back(guard: LedgerGuard, places: Places) -> None:
    for second in range(60):
        places.now, places.position, places.size = second, 100 * second + 100, 100 * second
        assert guard.look() is Lag.NONE
    assert guard.seconds <= 1


def test_an_idle_log_makes_nobody_wait_for_a_ledger_that_is_away(guard: LedgerGuard, places: Places) -> None:
    places.size, places.position = 7, 7
    guard.look()
    places.now = 1e6
    assert guard.look() is Lag.NONE
    places.position = 8
    assert guard.look() is Lag.NONE, "one event that came just now has waited for no time"


def test_a_shard_without_a_ledger_is_not_held_back(guard: LedgerGuard, places: Places) -> None:
    places.size, places.position = None, 10**6
    guard.look()
    places.now = 1e6
    assert guard.look() is Lag.NONE


def test_a_log_restored_behind_its_ledger_gives_nothing_at_once(guard: LedgerGuard, places: Places) -> None:
    places.size, places.position = 300, 200
    assert guard.look() is Lag.BEHIND
