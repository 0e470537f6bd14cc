"""When the system has come to rest: everything said was decided, given, taken in and shown.

Invariants: rest is what the databases say, looked at again and again; nothing here sleeps in place of a condition. By the hub's
database: no timer is due, the relay has produced all of the log. By each unit's: nothing is without receipt, the feed is taken in to its last slot
and to a head of this hour, every referral to it is received, the read models are up to date.
"""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg

from adapters.overviews import Overviews
from adapters.storage.outbox import OutboxState
from adapters.storage.unit_store import Transaction
from adapters.unit_house import UnitHouse
from contracts.names import UnitId
from contracts.referral_table import ReferralState
from deploy.story.errors import RestlessError
from projections.worklist import incoming

PATIENCE: Final = 60.0
_LOOK_EVERY: Final = 0.02
_HEAD_AGE: Final = timedelta(hours=1)
_OPEN: Final = (OutboxState.WAITING, OutboxState.SENT)

_HUB: Final = """
SELECT (SELECT position FROM head), (SELECT produced FROM relay),
    (SELECT count(*) FROM unproduced) + (SELECT count(*) FROM receipt_due) + (SELECT count(*) FROM backfill)
        + (SELECT count(*) FROM replay_wish),
    (SELECT count(*) FROM timer WHERE due <= %(now)s), (SELECT count(*) FROM parked)
"""
_FEEDS: Final = "SELECT unit, sequence FROM feed WHERE generation = (SELECT generation FROM head)"
_NEXT_DUE: Final = "SELECT min(due) FROM timer"


class Quiet:
    """Looks at the databases of the hub and of all units."""

    def __init__(
        self, dsn: str, houses: Mapping[UnitId, UnitHouse], *, logs: Path, check_alive: Callable[[], None]
    ) -> None:
        self._hub = psycopg.connect(dsn, autocommit=True, options="-c search_path=shard_0")
        self._houses = houses
        self._logs = logs
        self._check_alive = check_alive
        self._overviews = {unit: Overviews.open(house.folder, house.store) for unit, house in houses.items()}

    def close(self) -> None:
        """Close all connections."""
        self._hub.close()
        for overviews in self._overviews.values():
            overviews.close()

    def next_due(self) -> datetime | None:
        """When the hub's next timer fires."""
        row = self._hub.execute(_NEXT_DUE).fetchone()
        return row[0] if row else None

    def wait(self, now: datetime, *, without: Collection[UnitId] = (), within: float = PATIENCE) -> None:
        """Until everything is at rest but for the units whose line is down. Raises `RestlessError`."""
        self.until(lambda: self.reason(now, without), within=within)

    def until(self, restless: Callable[[], str | None], *, within: float = PATIENCE) -> None:
        """Until nothing is named any more. Raises `RestlessError` with what was named last, and what `check_alive` raises."""
        deadline = time.monotonic() + within
        while (reason := restless()) is not None:
            self._check_alive()
            if time.monotonic() > deadline:
                raise RestlessError(reason, seconds=within, logs=self._logs)
            time.sleep(_LOOK_EVERY)

    def reason(self, now: datetime, without: Collection[UnitId] = ()) -> str | None:
        """What is still under way; None at rest."""
        watched = [unit for unit in self._houses if unit not in without]
        for unit in watched:
            if (reason := self._unsent(unit)) is not None:
                return reason
        if (reason := self._hub_busy(now)) is not None:
            return reason
        feeds = {UnitId(unit): sequence for unit, sequence in self._hub.execute(_FEEDS)}
        for unit in watched:
            if (reason := self._unit_busy(unit, feeds.get(unit, 0), now)) is not None:
                return reason
        return None

    def _hub_busy(self, now: datetime) -> str | None:
        row = self._hub.execute(_HUB, {"now": now}).fetchone()
        assert row is not None  # noqa: S101 - a query of scalars has one row
        head, produced, to_give, due, parked = row
        if parked:
            return f"{parked} messages are parked after an unexpected fault"
        if due:
            return f"{due} timers are due"
        return None if produced == head and not to_give else f"the relay is at {produced} of {head}, {to_give} to give"

    def _unsent(self, unit: UnitId) -> str | None:
        with self._houses[unit].store.read() as tx:
            counts = tx.outbox.counts()
        waiting = sum(counts[state] for state in _OPEN)
        return f"{unit} has {waiting} messages without receipt" if waiting else None

    def _unit_busy(self, unit: UnitId, feed: int, now: datetime) -> str | None:
        with self._houses[unit].store.read() as tx:
            reason = _behind(tx, feed, now)
        if reason is not None:
            return f"{unit} {reason}"
        overviews = self._overviews[unit]
        if any(lag.items for lag in overviews.lag(now).values()):
            return f"{unit} has read models behind its journal"
        with overviews.look() as connection:
            unseen = [one for one in incoming(connection, unit) if one.state is ReferralState.SENT]
        return f"{unit} has not said received" if unseen else None


def _behind(tx: Transaction, feed: int, now: datetime) -> str | None:
    taken = max((state.sequence for state in tx.places.chains()), default=0)
    if taken != feed:
        return f"has taken {taken} of {feed} slots"
    kept = tx.places.head(0)
    if kept is None or kept.caught_up_at is None or kept.caught_up_at < now - _HEAD_AGE:
        return f"has caught up with no head since {None if kept is None else kept.caught_up_at}"
    return "reads its feed anew" if kept.catching_up else None
