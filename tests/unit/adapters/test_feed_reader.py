"""A unit asks for what it lacks without shouting, and shows others' entries only when it knows that it is up to date."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, cast

import pytest

from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.exchange.directory_book import Added
from adapters.exchange.feed_chain import Gap
from adapters.exchange.feed_reader import FeedReader
from adapters.exchange.replay_asking import ReplayAsking
from adapters.process.lease import DEFAULT_LEASE, Hidden
from adapters.process.showing import lease_of
from adapters.storage.outbox import Sending
from contracts import strict_json
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.messages.consent import ConsentWithdrawn
from contracts.messages.feed import FeedAcknowledged, ReplayRequested
from contracts.pae import PayloadType
from contracts.sealing.content_key import ContentKey, KeyLabel
from contracts.signed_bytes import sign_one
from tests.simulated_hub import GROUND, PROGRAMME, SUBJECT, SimulatedHub, opening_key
from tests.unit.adapters.reading_unit import OP, UP, ReadingUnit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aiokafka.structs import TopicPartition

    from contracts.facts import Facts
    from contracts.signed_bytes import SignedBytes


class Bench:
    """A feed reader whose watch the test turns."""

    def __init__(self, folder: Path, hub: SimulatedHub | None = None) -> None:
        self.unit = ReadingUnit(folder, hub or SimulatedHub())
        self.now = 0.0
        self.end_seen_at: float | None = None
        self.desk = Desk(
            self.unit.store,
            signer=Signer(PROGRAMME, self.unit.hub.unit_keys[UP]),
            directory=lambda: self.unit.book.newest,
            clock=self.unit.clock,
        )
        self.reader = FeedReader(
            store=self.unit.store,
            desk=self.desk,
            intake=self.unit.intake,
            unit=UP,
            shards=1,
            told=lambda _: None,
            monotonic=lambda: self.now,
        )

    def deliver(self, *numbers: int) -> list[bytes]:
        return [self.unit.feed.deliver(self.unit.hub.message_of(OP, number)) for number in numbers]

    async def read(self, *values: bytes) -> None:
        await self.reader.handle(self.unit.records(*values))

    async def tick(self) -> None:
        await self.reader.tick(self._caught_up_since)

    def _caught_up_since(self, _: TopicPartition) -> float | None:
        return self.end_seen_at

    def hidden(self) -> Hidden | None:
        with self.unit.store.read() as tx:
            return lease_of(tx, length=DEFAULT_LEASE, shards=1).hidden(self.unit.clock.now())

    def said(self, kind: type[Facts]) -> list[Facts]:
        with self.unit.store.read() as tx:
            facts = [parse(one.signed.payload).facts for one in tx.outbox.next_to_send(500)]
        return [one for one in facts if isinstance(one, kind)]

    def asked_from(self) -> list[int]:
        return [one.from_sequence for one in self.said(ReplayRequested) if isinstance(one, ReplayRequested)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.unit.store.close()


async def test_a_gap_is_asked_for_once_and_then_ever_more_rarely(bench: Bench) -> None:
    first, _, third = bench.deliver(1, 2, 3)
    await bench.read(first, third)
    for moment, asked in ((0.0, 1), (4.9, 1), (5.0, 2), (14.9, 2), (15.0, 3)):
        bench.now = moment
        await bench.read(bench.unit.feed.head())
        await bench.tick()
        assert bench.asked_from() == [2] * asked


async def test_a_gap_that_was_filled_is_not_asked_for_again(bench: Bench) -> None:
    first, _, third = bench.deliver(1, 2, 3)
    await bench.read(first, third)
    await bench.tick()
    await bench.read(*bench.unit.feed.replay(2))
    bench.now = 1000.0
    await bench.tick()
    assert bench.asked_from() == [2]


async def test_a_message_whose_id_was_taken_is_on_its_way_again_with_the_answer(bench: Bench) -> None:
    bench.desk.ask_replay(shard=0, generation=1, from_sequence=1)
    with bench.unit.store.write() as tx:
        (refused,) = tx.outbox.next_to_send(1)
        tx.outbox.mark_sent([Sending(refused.message_id, 0, 0, "broker")], at=bench.unit.clock.now())
    await bench.read(bench.unit.feed.receipt(refused.signed, code=RefusalCode.ID_REUSED))
    with bench.unit.store.read() as tx:
        (again,) = tx.outbox.next_to_send(2)
    assert again.message_id != refused.message_id
    assert parse(again.signed.payload).causationid == refused.message_id


async def test_a_lost_broker_makes_the_unit_ask_behind_its_last_slot(bench: Bench) -> None:
    await bench.read(*bench.deliver(1, 2))
    bench.reader.broker_lost()
    await bench.tick()
    assert bench.asked_from() == [3]


async def test_after_a_reconnection_others_show_once_the_end_of_the_feed_was_read(bench: Bench) -> None:
    await bench.reader.positions()
    await bench.read(*bench.deliver(1), bench.unit.feed.head())
    await bench.tick()
    assert bench.hidden() is Hidden.CATCHING_UP
    bench.end_seen_at = 1.0
    await bench.tick()
    assert bench.hidden() is None
    bench.now = 5.0
    await bench.reader.positions()
    await bench.tick()
    assert bench.hidden() is Hidden.CATCHING_UP, "the end was seen before the reconnection"
    bench.end_seen_at = 6.0
    await bench.tick()
    assert bench.hidden() is None


async def test_after_a_lost_broker_the_end_of_an_empty_feed_proves_nothing(bench: Bench) -> None:
    await bench.read(*bench.deliver(1), bench.unit.feed.head())
    await bench.reader.positions()
    bench.reader.broker_lost()
    bench.end_seen_at = 9.0
    await bench.tick()
    assert bench.hidden() is Hidden.CATCHING_UP
    await bench.read(bench.unit.feed.head())
    await bench.tick()
    assert bench.hidden() is None


async def test_others_are_not_hidden_for_good_where_the_end_is_noticed_while_a_stretch_is_taken(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.read(*bench.deliver(1), bench.unit.feed.head())
    await bench.reader.positions()
    writing, noticed, hide = threading.Event(), threading.Event(), bench.reader._hide

    def hide_slowly(shards: list[int]) -> None:
        writing.set()
        noticed.wait(0.2)
        hide(shards)

    monkeypatch.setattr(bench.reader, "_hide", hide_slowly)
    bench.end_seen_at = bench.now
    taking = asyncio.create_task(bench.read(bench.unit.feed.head()))
    await asyncio.to_thread(writing.wait, 5)
    await bench.tick()
    noticed.set()
    await taking
    assert bench.hidden() is None


async def test_what_is_stored_is_acknowledged_now_and_then(bench: Bench) -> None:
    await bench.read(*bench.deliver(1, 2))
    await bench.tick()
    assert bench.said(FeedAcknowledged) == []
    bench.now = 601.0
    await bench.tick()
    await bench.tick()
    said = bench.said(FeedAcknowledged)
    assert [one.feed_sequence for one in said if isinstance(one, FeedAcknowledged)] == [2]


async def test_a_consent_of_a_newer_version_stops_nothing(bench: Bench) -> None:
    document = strict_json.parse(consent_of(bench).payload)
    data = cast("dict[str, dict[str, object]]", document["data"])
    newer = document | {"data": data | {"facts": data["facts"] | {"seen_by": "a newer hub"}}}
    raw = strict_json.canonical(newer)
    signed = sign_one(raw, bench.unit.hub.unit_keys[OP], PayloadType.CLOUDEVENT)
    await bench.read(bench.unit.feed.deliver(signed), *bench.deliver(2))
    with bench.unit.store.read() as tx:
        assert len(tx.journal.of_subject(SUBJECT)) == 2


def consent_of(bench: Bench) -> SignedBytes:
    facts = ConsentWithdrawn(consent_id=GROUND)
    return bench.unit.hub.message_of(OP, 1, facts=facts, category=None)


def test_a_gap_that_moved_on_is_asked_for_at_once() -> None:
    asking = ReplayAsking()
    asking.missing(Gap(0, 1, 5))
    assert asking.due(0.0) == [Gap(0, 1, 5)]
    asking.missing(Gap(0, 1, 9))
    assert asking.due(0.1) == [Gap(0, 1, 9)]
    assert asking.due(0.2) == []


async def test_keys_that_came_to_a_lost_key_are_asked_for_once_there_is_a_new_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SimulatedHub(sealing=True))
    hub, unit = bench.unit.hub, bench.unit
    label = KeyLabel(PROGRAMME, OP, SUBJECT, "housing", 1)
    unit.keyring.clear()
    await bench.read(*bench.deliver(1, 2), unit.feed.release(label, ContentKey.generate()))
    await bench.reader.directory_changed()
    assert bench.asked_from() == [], "the list names the lost one"
    new = hub.opening_keys[UP] = opening_key(UP, 77)
    unit.keyring[new.key_id] = new
    with unit.store.write() as tx:
        added = unit.book.offer(tx, hub.publish_list(), at=unit.clock.now())
    assert isinstance(added, Added)
    unit.book.keep(added)
    for _ in range(2):
        await bench.reader.directory_changed()
    assert bench.asked_from() == [3]
    unit.store.close()
