"""The polls of one unit, beside it while the adapter runs.

Invariants: one poll of a database at a time; a database that does not answer stops its own poll alone, which is tried again with growing pauses and
shown in health; a stop is obeyed after the rows in hand.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential
from tenacity.wait import wait_base

from adapters.connectors.mapping_file import load_mapping
from adapters.connectors.sql_poll import PollPlan, poll
from adapters.errors import AdapterError
from adapters.process.unit_house import UnitHouse

PAUSES: Final = wait_random_exponential(multiplier=2, max=300)

_log = structlog.get_logger("spojka.adapter")


@dataclass(slots=True)
class SqlPolls:
    """Polls until told to stop."""

    house: UnitHouse
    plans: Sequence[tuple[PollPlan, timedelta]]
    """Each with how long to wait between two polls."""
    pauses: wait_base = PAUSES

    def wake(self) -> None:
        """Nothing here waits for the unit's database."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        await asyncio.to_thread(self._forget_others)
        async with asyncio.TaskGroup() as group:
            group.create_task(stop.wait())
            for plan, every in self.plans:
                group.create_task(self._keep(plan, every, stop))

    def _forget_others(self) -> None:
        with self.house.store.write() as tx:
            tx.polls.keep_only([plan.name for plan, _ in self.plans])

    async def _keep(self, plan: PollPlan, every: timedelta, stop: asyncio.Event) -> None:
        async def pause(seconds: float) -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=seconds)

        async def told(state: RetryCallState) -> None:
            error = None if state.outcome is None else state.outcome.exception()
            if error is not None:
                await asyncio.to_thread(self._tell, plan, error)

        while not stop.is_set():
            attempts = AsyncRetrying(
                wait=self.pauses, retry=retry_if_exception_type(Exception), before_sleep=told, sleep=pause,
                stop=lambda _: stop.is_set(), retry_error_callback=lambda _: None,
            )  # fmt: skip
            await attempts(asyncio.to_thread, partial(poll, self.house, plan, stopped=stop.is_set))
            await pause(every.total_seconds())

    def _tell(self, plan: PollPlan, error: BaseException) -> None:
        problem = str(error) if isinstance(error, AdapterError) else type(error).__name__
        _log.warning("poll stopped", poll=plan.name, problem=problem)
        try:
            with self.house.store.write() as tx:
                tx.polls.failed(plan.name, problem, at=self.house.clock.now())
        except Exception as worse:  # noqa: BLE001 - telling of a trouble must not make it the unit's
            _log.warning("poll stopped", poll=plan.name, problem=type(worse).__name__)


def polls_of(house: UnitHouse) -> Sequence[SqlPolls]:
    """The polls of a unit, by the adapter's settings."""
    plans = [
        (
            PollPlan(
                name=f"{one.unit}/{one.mapping}",
                mapping=partial(load_mapping, _place(house, one.mapping)),
                database=one.database.get_secret_value(),
                writable_account=one.writable_account,
                read_whole_every=timedelta(hours=one.read_whole_every_hours),
            ),
            timedelta(minutes=one.every_minutes),
        )
        for one in house.settings.polls
        if one.unit == house.unit
    ]
    return [SqlPolls(house, plans)]


def _place(house: UnitHouse, mapping: str) -> str:
    """A mapping file lies in the adapter's home, or is one of those that are shipped."""
    file = house.settings.home / mapping
    return str(file) if file.is_file() else mapping
