"""When the system has come to rest: everything said was decided, given, taken in and shown.

Invariants: rest is what the databases say, looked at again and again; nothing here sleeps in place of a condition. By the hub's
database: no timer is due, the relay has produced all of the log. By the key service's: it has read all of the log and produced what it
released. By each unit's: everything given is open, nothing is without receipt, the feed is taken in to its last slot
and to a head of this hour, every referral to it is received, the read models are up to date.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg

from adapters.process.unit_house import UnitHouse
from contracts.names import UnitId
from deploy.story.errors import RestlessError

PATIENCE: Final = 120.0
_LOOK_EVERY: Final = 0.02
_HEAD_AGE: Final = timedelta(hours=1)

_HUB: Final = """
SELECT (SELECT position FROM head), (SELECT produced FROM relay),
    (SELECT count(*) FROM unproduced) + (SELECT count(*) FROM receipt_due) + (SELECT count(*) FROM backfill)
        + (SELECT count(*) FROM replay_wish),
    (SELECT count(*) FROM timer WHERE due <= %(now)s), (SELECT count(*) FROM parked), (SELECT count(*) FROM key_mailbox)
"""
_KEYS: Final = "SELECT (SELECT position FROM state), (SELECT count(*) FROM release WHERE NOT produced)"
_FEEDS: Final = "SELECT unit, sequence FROM feed WHERE generation = (SELECT generation FROM head)"
_NEXT_DUE: Final = "SELECT min(due) FROM timer"
_UNIT: Final = """
SELECT (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sent')),
    (SELECT coalesce(max(sequence), 0) FROM feed_chain),
    (SELECT caught_up_at FROM head WHERE shard = 0),
    (SELECT catching_up FROM head WHERE shard = 0),
    (SELECT coalesce(max(revision), 0) FROM journal)
        - (SELECT max(min(position), 0) FROM shown.projection_position WHERE role = 'serving'),
    (SELECT count(*) FROM shown.referral WHERE target = :unit AND state = 'sent'),
    (SELECT count(*) FROM journal WHERE sealed_under IS NOT NULL AND opened IS NULL AND kind = 'given')
"""
"""One look at a unit's two databases."""


@dataclass(frozen=True, slots=True)
class _UnitLook:
    unreceipted: int
    taken: int
    caught_up_at: str | None
    catching_up: bool | None
    unshown: int
    unreceived: int
    unopened: int

    def reason(self, feed: int, now: datetime) -> str | None:
        """What is still under way at this unit, whose feed has so many slots."""
        caught_up = None if self.caught_up_at is None else datetime.fromisoformat(self.caught_up_at)
        busy = {
            f"has {self.unreceipted} messages without receipt": self.unreceipted,
            f"has taken {self.taken} of {feed} slots": self.taken != feed,
            f"has caught up with no head since {caught_up}": caught_up is None or caught_up < now - _HEAD_AGE,
            "reads its feed anew": self.catching_up,
            f"has read models {self.unshown} changes behind its journal": self.unshown,
            f"has {self.unreceived} referrals not yet received": self.unreceived,
            f"has {self.unopened} entries that it cannot open yet": self.unopened,
        }
        return next((reason for reason, holds in busy.items() if holds), None)


class Quiet:
    """Looks at the databases of the hub and of all units."""

    def __init__(
        self,
        dsn: str,
        houses: Mapping[UnitId, UnitHouse],
        *,
        keys_dsn: str,
        logs: Path,
        check_alive: Callable[[], None],
    ) -> None:
        self._hub = psycopg.connect(dsn, autocommit=True, options="-c search_path=shard_0")
        self._keys = psycopg.connect(keys_dsn, autocommit=True, options="-c search_path=shard_0")
        self._logs = logs
        self._check_alive = check_alive
        self._units = {unit: _opened(house) for unit, house in houses.items()}

    def close(self) -> None:
        """Close all connections."""
        self._hub.close()
        self._keys.close()
        for unit in self._units.values():
            unit.close()

    def next_due(self) -> datetime | None:
        """When the hub's next timer fires."""
        row = self._hub.execute(_NEXT_DUE).fetchone()
        return row[0] if row else None

    def wait(self, now: datetime, *, without: Collection[UnitId] = (), within: float = PATIENCE) -> None:
        """Until everything is at rest but for the units whose line is down. Raises `RestlessError`, and what `check_alive` raises."""

        def restless() -> str | None:
            self._check_alive()
            return self.reason(now, without)

        self.until(restless, within=within)

    def until(self, restless: Callable[[], str | None], *, within: float = PATIENCE) -> None:
        """Until nothing is named any more. Raises `RestlessError` with what was named last."""
        deadline = time.monotonic() + within
        while (reason := restless()) is not None:
            if time.monotonic() > deadline:
                raise RestlessError(reason, seconds=within, logs=self._logs)
            time.sleep(_LOOK_EVERY)

    def reason(self, now: datetime, without: Collection[UnitId] = ()) -> str | None:
        """What is still under way; None at rest. Units are looked at after the hub, and the hub once more after them."""
        if (reason := self._hub_busy(now)) is not None:
            return reason
        feeds = {UnitId(unit): int(sequence) for unit, sequence in self._hub.execute(_FEEDS)}
        for unit, connection in self._units.items():
            if unit in without:
                continue
            look = _UnitLook(*connection.execute(_UNIT, {"unit": unit}).fetchone())
            if (reason := look.reason(feeds.get(unit, 0), now)) is not None:
                return f"{unit} {reason}"
        return self._hub_busy(now)

    def _hub_busy(self, now: datetime) -> str | None:
        row = self._hub.execute(_HUB, {"now": now}).fetchone()
        assert row is not None  # noqa: S101 - a query of scalars has one row
        head, produced, to_give, due, parked, deposits = row
        if parked:
            return f"{parked} messages are parked after an unexpected fault"
        if due:
            return f"{due} timers are due"
        if produced != head or to_give:
            return f"the relay is at {produced} of {head}, {to_give} to give"
        keys = self._keys.execute(_KEYS).fetchone()
        assert keys is not None  # noqa: S101 - as above
        read, to_produce = keys
        busy = read != head or to_produce or deposits
        return f"the key service is at {read} of {head}, {to_produce} to give, {deposits} to take" if busy else None


def _opened(house: UnitHouse) -> sqlite3.Connection:
    """Both databases of a unit, read only."""
    house.overviews().close()  # so that the second is there
    return house.databases.look_into_both()
