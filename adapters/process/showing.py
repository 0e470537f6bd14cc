"""Whether others' entries show now, from what the unit has stored about its feed.

Invariant: decided by the database alone, so that a command in a process of its own decides as the running adapter would.
"""

from datetime import timedelta

from adapters.process.lease import Hidden, Lease
from adapters.process.unit_house import UnitHouse
from adapters.storage.unit_store import Transaction


def lease_of(tx: Transaction, *, length: timedelta, shards: int) -> Lease:
    """The lease as stored."""
    heads = tx.places.heads()
    return Lease(
        length=length,
        shards=shards,
        heads={kept.head.shard: kept.caught_up_at for kept in heads if kept.caught_up_at is not None},
        catching_up=frozenset(kept.head.shard for kept in heads if kept.catching_up),
    )


def hidden_now(house: UnitHouse) -> Hidden | None:
    """Why entries of others do not show at this unit now; None when they do."""
    with house.store.read() as tx:
        lease = lease_of(tx, length=house.settings.lease, shards=house.directory.listed.shards)
    return lease.hidden(house.clock.now())
