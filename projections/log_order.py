"""The order of the hub's log, as far as a unit knows it.

Invariants: pure; messages with a position are in the log's order, back-fills included; an own message without receipt stands where it was recorded:
behind the latest position that had arrived by then.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar


class Placed(Protocol):
    """What can be ordered."""

    @property
    def arrived(self) -> int:
        """Its place in the journal."""

    @property
    def position(self) -> int | None:
        """Its place in the log, where it is known."""


_PlacedT = TypeVar("_PlacedT", bound=Placed)


def in_log_order(messages: Iterable[_PlacedT]) -> Sequence[_PlacedT]:
    """The messages as the hub decided them."""
    keyed: list[tuple[tuple[int, bool, int], _PlacedT]] = []
    latest = -1
    for one in sorted(messages, key=lambda one: one.arrived):
        if one.position is not None:
            latest = max(latest, one.position)
        place = latest if one.position is None else one.position
        keyed.append(((place, one.position is None, one.arrived), one))
    return [one for _, one in sorted(keyed, key=lambda pair: pair[0])]
