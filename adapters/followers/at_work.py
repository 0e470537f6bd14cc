"""All followers of one unit at work beside it.

Invariants: an error stops the follower that met it and no other, nor the unit; it is tried again with growing pauses until it succeeds, and is shown
in health meanwhile; a stop is obeyed within moments, pauses included.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential
from tenacity.wait import wait_base

from adapters.followers.follower import Follower, Resting
from adapters.followers.following import Following
from adapters.storage.unit_store import UnitStore

PAUSES: Final = wait_random_exponential(multiplier=1, max=300)
"""Up to five minutes."""

_log = structlog.get_logger("spojka.adapter")


class FollowersAtWork:
    """Runs followers until told to stop."""

    def __init__(
        self,
        store: UnitStore,
        followers: Sequence[Follower],
        *,
        now: Callable[[], datetime],
        pauses: wait_base = PAUSES,
    ) -> None:
        self._store = store
        self._now = now
        self._pauses = pauses
        self._all = [(Following(store, one, now=now), asyncio.Event()) for one in followers]

    def wake(self) -> None:
        """Something was written to the unit's database."""
        for _, due in self._all:
            due.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        await asyncio.to_thread(self._begin)
        async with asyncio.TaskGroup() as group:
            group.create_task(stop.wait())  # also where there is no follower: a part that ends would end the unit's run
            for following, due in self._all:
                group.create_task(self._keep(following, due, stop))

    def _begin(self) -> None:
        with self._store.write() as tx:
            tx.followers.end_all_but([one.follower.name for one, _ in self._all], at=self._now())
        for following, _ in self._all:
            following.begin()

    async def _keep(self, following: Following, due: asyncio.Event, stop: asyncio.Event) -> None:
        while not stop.is_set():
            due.clear()
            await self._caught_up(following, stop)
            if not stop.is_set():
                await due.wait()

    async def _caught_up(self, following: Following, stop: asyncio.Event) -> None:
        """Nothing is left to take, or the stop came."""

        async def told(state: RetryCallState) -> None:
            error = None if state.outcome is None else state.outcome.exception()
            if error is not None:
                await asyncio.to_thread(_tell, following, error)

        attempts = AsyncRetrying(
            wait=self._pauses, retry=retry_if_exception_type(Exception), before_sleep=told, sleep=lambda seconds: _pause(seconds, stop),
            stop=lambda _: stop.is_set(), retry_error_callback=lambda _: None,
        )  # fmt: skip
        await attempts(self._steps, following, stop)

    async def _steps(self, following: Following, stop: asyncio.Event) -> None:
        while not stop.is_set():
            began = time.monotonic()
            if await asyncio.to_thread(following.step) == 0:
                return
            if isinstance(following.follower, Resting):
                await _pause(following.follower.rest_after(time.monotonic() - began), stop)


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), timeout=seconds)


def _tell(following: Following, error: BaseException) -> None:
    """Show what stopped a follower; where the database takes not even that (a full disk), in the log alone."""
    name = following.follower.name
    try:
        _log.warning("follower stopped", follower=name, problem=following.failed(error))
    except Exception as worse:  # noqa: BLE001 - telling of a trouble must not make it the unit's
        _log.warning("follower stopped", follower=name, problem=type(error).__name__, then=type(worse).__name__)
