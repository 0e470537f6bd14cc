"""Whether others' entries show now, from what the unit has stored about its feed.

Invariant: decided by the database alone, so that a command in a process of its own decides as the running adapter would.
"""

from datetime import timedelta

from adapters.process.lease import Hidden, Lease
from adapters.process.unit_house import UnitHouse
from adapters.storage.unit_store import Transaction
from projections.local_views import Showing


def lease_of(tx: Transaction, *, length: timedelta, shards: int) -> Lease:
    """The lease as stored."""
    heads = tx.places.heads()
    return Lease(
        length=length,
        shards=shards,
        heads={kept.head.shard: kept.caught_up_at for kept in heads if kept.caught_up_at is not None},
        catching_up=frozenset(kept.head.shard for kept in heads if kept.catching_up),
    )


def showing_now(house: UnitHouse) -> Showing:
    """The same for the SQL views of local systems: for how long from now on others' entries show."""
    at = house.clock.now()
    with house.store.read() as tx:
        lease = lease_of(tx, length=house.settings.lease, shards=house.directory.listed.shards)
    hidden, until = lease.hidden(at), lease.until()
    if hidden is not None or until is None:
        return Showing(house.unit, None, None if hidden is None else hidden.value)
    return Showing(house.unit, until - at)


def hidden_now(house: UnitHouse) -> Hidden | None:
    """Why entries of others do not show at this unit now; None when they do."""
    with house.store.read() as tx:
        lease = lease_of(tx, length=house.settings.lease, shards=house.directory.listed.shards)
    return lease.hidden(house.clock.now())
