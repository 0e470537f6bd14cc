"""The figures that decide whether a goal is met: what a reader would believe wrongly if they were computed wrongly."""

from __future__ import annotations

import pytest

from tests.benchmarks.registry import Measurement, benchmark, median, row


def test_a_ratio_above_one_is_better_whichever_way_the_unit_points() -> None:
    faster = Measurement(value=200, unit="messages/s", baseline=100)
    shorter = Measurement(value=5, unit="ms", baseline=10, less_is_better=True)
    assert (faster.ratio, shorter.ratio) == (2, 2)


def test_the_median_run_is_shown_whole() -> None:
    runs = [Measurement(value=value, unit="ms", baseline=12, less_is_better=True) for value in (3, 6, 4)]
    assert median(runs) is runs[2]


def test_a_run_without_a_baseline_is_ranked_by_its_value() -> None:
    runs = [Measurement(value=value, unit="ms", less_is_better=True) for value in (9, 1, 5)]
    assert median(runs).value == 5
    assert runs[0].ratio is None


def test_a_row_has_what_the_published_check_reads() -> None:
    measured = Measurement(value=50, unit="messages/s", baseline=100)
    assert row("intake", goal=0.7, measured=measured) == {
        "name": "intake",
        "value": 50,
        "unit": "messages/s",
        "baseline": 100,
        "ratio": 0.5,
        "goal": 0.7,
    }


def test_two_benchmarks_cannot_hide_each_other_behind_one_name() -> None:
    register = benchmark("of this test only")
    register(lambda _: Measurement(value=1, unit="ms"))
    with pytest.raises(ValueError, match="two benchmarks"):
        register(lambda _: Measurement(value=2, unit="ms"))
