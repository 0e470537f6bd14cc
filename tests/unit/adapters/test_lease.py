"""A unit that lost touch shows others' entries for the lease and not a minute longer."""

from datetime import UTC, datetime, timedelta

from adapters.process.lease import Hidden, Lease

MONDAY = datetime(2026, 2, 9, 8, tzinfo=UTC)
WEEK = timedelta(days=7)


def test_nothing_of_others_shows_before_the_first_head() -> None:
    assert Lease().hidden(MONDAY) is Hidden.NEVER_CONNECTED
    assert Lease(shards=2, heads={0: MONDAY}).hidden(MONDAY) is Hidden.NEVER_CONNECTED


def test_offline_entries_of_others_show_until_the_lease_ends() -> None:
    lease = Lease(heads={0: MONDAY})
    assert lease.hidden(MONDAY + WEEK - timedelta(seconds=1)) is None
    assert lease.hidden(MONDAY + WEEK) is Hidden.LEASE_OVER
    assert lease.until() == MONDAY + WEEK


def test_after_reconnecting_they_show_again_only_once_every_shard_is_up_to_date() -> None:
    heads = {0: MONDAY, 1: MONDAY}
    for catching_up in ({0, 1}, {1}):
        assert Lease(shards=2, heads=heads, catching_up=frozenset(catching_up)).hidden(MONDAY) is Hidden.CATCHING_UP
    assert Lease(shards=2, heads=heads).hidden(MONDAY) is None


def test_the_shard_that_was_heard_of_longest_ago_counts() -> None:
    assert Lease(shards=2, heads={0: MONDAY + timedelta(days=3), 1: MONDAY}).until() == MONDAY + WEEK


def test_a_longer_lease_is_the_units_own_choice() -> None:
    assert Lease(length=timedelta(days=30), heads={0: MONDAY}).hidden(MONDAY + timedelta(days=29)) is None
