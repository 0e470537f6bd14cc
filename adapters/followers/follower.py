"""The port: what follows a unit's journal.

Invariants: an item comes at least once, in the order of its number, and never under a number that was taken before; a message whose state changed
comes again under a new number (a receipt, a refusal, an erasure), so a follower that keeps copies learns that it must give one up: `kind` is `erased`
then and the payload is empty. A rebuild of the unit's read models brings nothing again.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from adapters.storage.unit_store import Transaction
from projections.source import JournalItem

Outcome = Callable[[Transaction], None]
"""Writes what a follower did into the unit's database, in the transaction that moves its position: both or neither."""


def nothing_to_keep(tx: Transaction) -> None:
    """The outcome of a step that leaves nothing in the unit's database."""
    del tx


class Follower(Protocol):
    """One follower. Works in a thread of its own, one step at a time."""

    @property
    def name(self) -> str:
        """Stable and unique in the unit: `webhook/<endpoint>`, `export/<folder>`. Another name starts from its beginning."""

    @property
    def from_now(self) -> bool:
        """True: begins with what comes after it was set up; False: with the first entry of the journal."""

    def take(self, items: Sequence[JournalItem]) -> Outcome:
        """Do what is to be done outside the unit's database (it may be asked again after a crash), and say what to keep of it.

        What it raises stops this follower alone, with back-off; of an `AdapterError` people see the problem and the advice, so neither may
        hold content.
        """


@runtime_checkable
class Resting(Protocol):
    """A follower whose steps are dear, and which would rather take several changes together."""

    def rest_after(self, seconds: float) -> float:
        """How long to rest after a step that took so long."""
