"""How far a follower is behind, and until when it can say that nothing is missing; no I/O, no clock.

Invariants: an end offset counts from the moment it was *asked for*, so whatever was in the partition at that moment lies
before it. `caught_up_since` never tells a moment whose records were not all handled; a reset forgets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka.structs import TopicPartition


class Progress:
    """Handled offsets against observed end offsets, per partition. Times are monotonic seconds of one process."""

    def __init__(self) -> None:
        self._handled: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, tuple[float, int]] = {}
        self._pending: dict[TopicPartition, tuple[float, int]] = {}
        self._caught_up: dict[TopicPartition, float] = {}

    def reset(self, place: TopicPartition, offset: int) -> None:
        """Reading (re)starts at `offset`: what was known about the end no longer counts."""
        self._handled[place] = offset
        for known in (self._ends, self._pending, self._caught_up):
            known.pop(place, None)

    def observed(self, asked_at: float, ends: Mapping[TopicPartition, int]) -> None:
        """Note end offsets that were asked for at `asked_at`."""
        for place, end in ends.items():
            self._ends[place] = (asked_at, end)
            self._pending.setdefault(place, (asked_at, end))
            self._settle(place)

    def handled(self, reached: Mapping[TopicPartition, int]) -> None:
        """Note that everything before these offsets was handled."""
        for place, offset in reached.items():
            self._handled[place] = max(offset, self._handled.get(place, 0))
            self._settle(place)

    def lag(self) -> dict[TopicPartition, int]:
        """Records between what was handled and the last observed end, per partition."""
        return {place: max(0, end - self._handled.get(place, 0)) for place, (_, end) in self._ends.items()}

    def ends(self) -> dict[TopicPartition, tuple[float, int]]:
        """The last observed end offset of each partition, with the moment it was asked for."""
        return dict(self._ends)

    def caught_up_since(self, place: TopicPartition) -> float | None:
        """The latest moment up to which all records of the partition are known to be handled; None before that."""
        return self._caught_up.get(place)

    def _settle(self, place: TopicPartition) -> None:
        """Move the caught-up moment to the newest observation that the handled offset has reached."""
        handled = self._handled.get(place, -1)
        for known in (self._ends, self._pending):
            asked_at, end = known.get(place, (0.0, handled + 1))
            if handled >= end:
                self._caught_up[place] = max(asked_at, self._caught_up.get(place, asked_at))
        if place in self._pending and handled >= self._pending[place][1]:
            asked_at, end = self._ends[place]
            del self._pending[place]
            if handled < end:
                self._pending[place] = (asked_at, end)
