"""What followers of a journal may rely on, whichever database it is in: one behavioural class, run on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from tenacity import wait_none

from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey, Draft
from adapters.errors import AdapterError
from adapters.followers.at_work import FollowersAtWork
from adapters.followers.follower import Outcome, nothing_to_keep
from adapters.followers.following import CHUNK, Following
from adapters.storage.journal import EntryKind
from adapters.storage.unit_store import Transaction, UnitStore
from contracts.categories import Category
from contracts.messages.service import ServiceDelivered
from contracts.names import MessageId, UnitId
from tests.integration.kafka_rig import until
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub
from tests.simulation.programme import StoryClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projections.source import JournalItem

OP = UnitId("op")


class ReceiverError(AdapterError):
    """What stands at the other end does not answer."""

    def __init__(self) -> None:
        super().__init__("The other system does not answer", advice="Start it")


@dataclass
class Kept:
    """A follower that notes what it was given, and fails while it is told to."""

    name: str = "kept/all"
    from_now: bool = False
    failing: bool = False
    taken: list[MessageId] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    outcome: Outcome = nothing_to_keep

    def take(self, items: Sequence[JournalItem]) -> Outcome:
        if self.failing:
            raise ReceiverError
        self.taken += [one.message_id for one in items]
        self.kinds += [one.kind for one in items]
        return self.outcome


class FollowerContract:
    """Subclasses give `where`: an empty database."""

    @pytest.fixture
    def store(self, where: str) -> Iterator[UnitStore]:
        opened = UnitStore.open(where)
        yield opened
        opened.close()

    @pytest.fixture
    def desk(self, store: UnitStore) -> Desk:
        hub = SimulatedHub()
        signer = Signer(PROGRAMME, hub.unit_keys[OP])
        return Desk(store, signer=signer, directory=lambda: hub.directory, clock=StoryClock(NOON))

    @staticmethod
    def record(desk: Desk, count: int, *, first: int = 0) -> list[MessageId]:
        facts = ServiceDelivered(service="bednight", quantity="1", unit_of_quantity="nights")
        drafts = [
            Draft(ClientKey("c-1"), facts, NOON, category=Category.HOUSING, local_key=f"csv/services/{first + number}")
            for number in range(count)
        ]
        recorded = list(desk.record_many(drafts))
        return [one.message_id for one in recorded if one.message_id is not None]

    @staticmethod
    def following(store: UnitStore, follower: Kept) -> Following:
        made = Following(store, follower, now=lambda: NOON)
        made.begin()
        return made

    def test_a_follower_is_given_each_entry_once_in_order_over_many_steps(self, store: UnitStore, desk: Desk) -> None:
        recorded = self.record(desk, CHUNK + 3)
        kept = Kept()
        self.following(store, kept).catch_up()
        assert kept.taken == recorded
        later = self.record(desk, 2, first=CHUNK + 3)
        self.following(store, kept).catch_up()  # as after a restart
        assert kept.taken == [*recorded, *later]

    def test_an_entry_that_was_erased_comes_again_so_that_copies_can_be_given_up(
        self, store: UnitStore, desk: Desk
    ) -> None:
        (recorded,) = self.record(desk, 1)
        kept = Kept()
        following = self.following(store, kept)
        following.catch_up()
        with store.write() as tx:
            tx.journal.change(recorded, kind=EntryKind.ERASED, payload=None)
        following.catch_up()
        assert (kept.taken, kept.kinds) == ([recorded, recorded], ["own", "erased"])

    def test_a_crash_before_the_outcome_is_kept_brings_the_same_items_again(self, store: UnitStore, desk: Desk) -> None:
        recorded = self.record(desk, 3)

        def crash(tx: Transaction) -> None:
            tx.clients.ensure([ClientKey("half-done")], at=NOON)
            raise RuntimeError("the power went")

        kept = Kept(outcome=crash)
        following = self.following(store, kept)
        with pytest.raises(RuntimeError, match="power"):
            following.step()
        with store.read() as tx:
            assert tx.clients.subject_of(ClientKey("half-done")) is None
        kept.outcome = nothing_to_keep
        following.catch_up()
        assert kept.taken == recorded * 2

    def test_two_processes_with_the_same_follower_keep_its_outcome_once(self, store: UnitStore, desk: Desk) -> None:
        self.record(desk, 3)
        outcomes = []
        one, other = Kept(), Kept()
        other.outcome = lambda _: outcomes.append("other")
        second = self.following(store, other)

        def overtaken_meanwhile(_: Transaction) -> None:
            outcomes.append("one")

        one.outcome = overtaken_meanwhile
        first = self.following(store, one)
        taking = one.take
        one.take = lambda items: (second.step(), taking(items))[1]  # type: ignore[method-assign] # the other process acts meanwhile
        first.catch_up()
        assert outcomes == ["other"]

    def test_a_follower_from_now_is_not_given_what_was_before(self, store: UnitStore, desk: Desk) -> None:
        self.record(desk, 2)
        kept = Kept(from_now=True)
        following = self.following(store, kept)
        later = self.record(desk, 1, first=2)
        following.catch_up()
        assert kept.taken == later

    async def test_one_followers_error_is_shown_and_stops_no_other_and_ends_by_itself(
        self, store: UnitStore, desk: Desk
    ) -> None:
        recorded = self.record(desk, 2)
        broken, sound = Kept(name="kept/broken", failing=True), Kept(name="kept/sound")
        at_work = FollowersAtWork(store, [broken, sound], now=lambda: NOON, pauses=wait_none())
        stop = asyncio.Event()
        running = asyncio.create_task(at_work.run(stop))
        await until(lambda: sound.taken == recorded and self.failures(store, "kept/broken") > 1)
        with store.read() as tx:
            problem = {one.name: one.problem for one in tx.followers.at_work()}
        assert problem == {"kept/broken": "The other system does not answer. Start it", "kept/sound": None}
        broken.failing = False
        await until(lambda: broken.taken == recorded and self.failures(store, "kept/broken") == 0)
        later = self.record(desk, 1, first=2)
        at_work.wake()
        await until(lambda: sound.taken == [*recorded, *later] and broken.taken == [*recorded, *later])
        stop.set()
        at_work.wake()
        await running

    async def test_a_unit_without_followers_is_not_stopped_by_that(self, store: UnitStore) -> None:
        at_work = FollowersAtWork(store, [], now=lambda: NOON)
        stop = asyncio.Event()
        running = asyncio.create_task(at_work.run(stop))
        done, _ = await asyncio.wait([running], timeout=0.3)
        assert not done
        stop.set()
        await running

    async def test_a_follower_that_is_not_configured_any_more_is_not_waited_for(
        self, store: UnitStore, desk: Desk
    ) -> None:
        self.record(desk, 1)
        self.following(store, Kept(name="kept/old"))
        at_work = FollowersAtWork(store, [Kept(name="kept/new")], now=lambda: NOON)
        stop = asyncio.Event()
        running = asyncio.create_task(at_work.run(stop))
        await until(lambda: self.names(store) == ["kept/new"])
        stop.set()
        at_work.wake()
        await running

    @staticmethod
    def names(store: UnitStore) -> list[str]:
        with store.read() as tx:
            return [one.name for one in tx.followers.at_work()]

    @staticmethod
    def failures(store: UnitStore, name: str) -> int:
        with store.read() as tx:
            found = tx.followers.find(name)
        return 0 if found is None else found.failures
