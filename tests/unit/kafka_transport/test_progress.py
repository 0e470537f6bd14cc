"""Timers fire on `caught_up_since`: it must never name a moment whose records are not all handled."""

from __future__ import annotations

from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from projections.kafka.progress import Progress

P0 = TopicPartition("t", 0)


def test_an_end_counts_from_when_it_was_asked_for_and_only_once_it_is_reached() -> None:
    progress = Progress()
    progress.reset(P0, 0)
    progress.observed(10.0, {P0: 3})
    assert progress.caught_up_since(P0) is None
    assert progress.lag() == {P0: 3}
    progress.observed(20.0, {P0: 5})
    progress.handled({P0: 3})
    assert progress.caught_up_since(P0) == 10.0
    progress.handled({P0: 5})
    assert progress.caught_up_since(P0) == 20.0
    assert progress.lag() == {P0: 0}


def test_an_empty_partition_is_caught_up_at_once() -> None:
    progress = Progress()
    progress.reset(P0, 0)
    progress.observed(10.0, {P0: 0})
    assert progress.caught_up_since(P0) == 10.0


def test_a_restart_of_reading_forgets_that_it_was_caught_up() -> None:
    progress = Progress()
    progress.reset(P0, 0)
    progress.observed(10.0, {P0: 0})
    progress.reset(P0, 0)
    assert progress.caught_up_since(P0) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=40))
def test_whatever_the_order_no_unhandled_record_lies_before_the_caught_up_moment(steps: list[tuple[bool, int]]) -> None:
    progress = Progress()
    progress.reset(P0, 0)
    end, handled, ends_at = 0, 0, {0.0: 0}
    for now, (observe, amount) in enumerate(steps, start=1):
        if observe:
            end += amount
            ends_at[float(now)] = end
            progress.observed(float(now), {P0: end})
        else:
            handled = min(end, handled + amount)
            progress.handled({P0: handled})
        since = progress.caught_up_since(P0)
        assert since is None or ends_at[since] <= handled
        if handled == end and len(ends_at) > 1:
            assert since is not None
