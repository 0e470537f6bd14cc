"""A store that is one open transaction: what several calls write by it becomes durable together, or not at all.

Invariant: nothing is committed here; whoever began the transaction does that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from adapters.storage.unit_store import Mark, Transaction, UnitStore


class OneTransaction(UnitStore):
    """Gives the same transaction to everyone who asks, for reading and for writing."""

    def __init__(self, tx: Transaction) -> None:
        super().__init__(tx.connection.engine)
        self._tx = tx

    @contextmanager
    def write(
        self, *, durable: bool = True, bulk: bool = False, meanwhile: Callable[[], object] | None = None
    ) -> Iterator[Transaction]:
        """The transaction; whoever began it says how durable it is."""
        del durable, bulk
        yield self._tx
        if meanwhile is not None:
            meanwhile()

    def untouched_since(self, mark: Mark | None, tx: Transaction) -> bool:
        """Never sure: others write in the same transaction."""
        del mark, tx
        return False

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """The same: it sees what it wrote."""
        yield self._tx

    def scrub(self) -> None:
        """Not before the transaction is through: whoever began it does that."""

    def close(self) -> None:
        """Leave everything open: it belongs to somebody else."""
