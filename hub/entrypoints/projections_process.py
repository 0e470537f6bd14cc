"""The projections process: keeps the hub's read models as fresh as the log, and builds them anew beside the serving ones.

Invariants: a read model never passes an event that this version does not know: it stops there, and health says so; where another process works on the
same tables this one steps back, and nothing is applied twice.
"""

import asyncio
import time
from typing import Final

import structlog

from hub.application.ports import HubError
from hub.entrypoints import metrics
from hub.entrypoints.condition import Condition, State
from hub.entrypoints.house import House
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.read_models import ReadModels
from projections.errors import OvertakenError, StoppedError

_WAKE: Final = 0.5
_AGAIN: Final = 1.0
_LAG_EVERY: Final = 5.0
_log = structlog.get_logger("spojka.hub.projections")


class ProjectionsProcess:
    """Follows the shard's log until told to stop."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._state: State = "standby"
        self._lag: dict[str, int] = {}
        self._lag_at = float("-inf")

    def condition(self) -> Condition:
        """For `/health`."""
        return Condition(self._state, {"projection_lag": dict(self._lag)})

    async def run(self, stop: asyncio.Event) -> None:
        """Follow, again after every trouble."""
        models = ReadModels(self._house.database(DatabaseUser.PROJECTIONS), self._house.mapper())
        try:
            while not stop.is_set():
                await self._follow(models, stop)
        finally:
            await asyncio.to_thread(models.close)

    async def _follow(self, models: ReadModels, stop: asyncio.Event) -> None:
        try:
            await asyncio.to_thread(models.prepare)
            while not stop.is_set():
                await self._round(models)
        except StoppedError as error:
            self._trouble("stopped", error)
        except HubError as error:
            self._trouble("store-unavailable", error)
        except OvertakenError as error:
            _log.info("projections.overtaken", exc_info=error)
        await _pause(stop, _AGAIN)

    async def _round(self, models: ReadModels) -> None:
        applied = await asyncio.to_thread(models.step)
        self._state = "projecting"
        if not applied or time.monotonic() - self._lag_at >= _LAG_EVERY:
            await self._measure(models)
        if not applied:
            await asyncio.to_thread(models.wait_for_events, _WAKE)

    def _trouble(self, state: State, error: Exception) -> None:
        if state != self._state:
            _log.error("projections.interrupted", state=state, exc_info=error)
        self._state = state

    async def _measure(self, models: ReadModels) -> None:
        lags = await asyncio.to_thread(models.lag, self._house.clock.now())
        self._lag_at = time.monotonic()
        self._lag = {name: lag.items for name, lag in lags.items()}
        for name, lag in lags.items():
            metrics.PROJECTION_LAG.labels(name).set(lag.items)
            metrics.PROJECTION_LAG_SECONDS.labels(name).set(lag.seconds)
            metrics.PROJECTION_REBUILDING.labels(name).set(lag.rebuilding or 0)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
