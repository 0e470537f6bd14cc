"""One step of one follower: read, act, keep outcome and position in one transaction.

Invariants: after a crash between acting and keeping, the same items come again; after keeping, never; two processes that run the same follower keep
the outcome of one of them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from adapters.errors import AdapterError
from adapters.followers.follower import Follower, nothing_to_keep
from adapters.process.journal_source import JournalSource
from adapters.storage.followers import FollowerPlace, OvertakenError
from adapters.storage.unit_store import UnitStore

CHUNK: Final = 500
"""Items a step."""


class Following:
    """Runs one follower over one unit's journal."""

    def __init__(self, store: UnitStore, follower: Follower, *, now: Callable[[], datetime]) -> None:
        self.follower = follower
        self._store = store
        self._source = JournalSource(store)
        self._now = now

    def begin(self) -> None:
        """Give the follower its place, where it has none yet. Call once before the first step."""
        with self._store.write() as tx:
            start = tx.journal.last_revision() if self.follower.from_now else 0
            tx.followers.begin(self.follower.name, start, at=self._now())

    def step(self) -> int:
        """Take the next items; returns how many. Raises what the follower raises, and then nothing was kept."""
        place = self._place()
        items = self._source.read(place.position, CHUNK)
        if not items:
            return 0
        outcome = self.follower.take(items)
        durable = (
            outcome is not nothing_to_keep
        )  # else the same items come again after a power cut, and nothing is kept of them again
        try:
            with self._store.write(durable=durable) as tx:
                tx.followers.advance(place, items[-1].number, at=self._now())
                outcome(tx)
        except OvertakenError:  # another process took and kept them
            pass
        return len(items)

    def catch_up(self) -> None:
        """Step until nothing is left."""
        while self.step():
            pass

    def failed(self, error: BaseException) -> str:
        """Keep what stopped the follower, in words without content; returns them."""
        problem = str(error) if isinstance(error, AdapterError) else type(error).__name__
        with self._store.write() as tx:
            tx.followers.failed(self.follower.name, problem, at=self._now())
        return problem

    def _place(self) -> FollowerPlace:
        with self._store.read() as tx:
            found = tx.followers.find(self.follower.name)
        if found is None:
            raise LookupError(f"follower {self.follower.name} was not begun")
        return found
