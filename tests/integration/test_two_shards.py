"""A hub of two shards: each client's path is one shard's affair, notices reach both, and a unit's feed is one chain a shard."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from adapters.conformance.on_paper import on_paper
from contracts.access_view import AccessView
from contracts.categories import Category
from contracts.delivery import Delivery, first_link, next_link
from contracts.feed_record import document
from contracts.grants import Grant, to_unit
from contracts.messages.need import NeedAssessed
from contracts.names import HUB, GroundId, MessageId, SubjectId, UnitId
from contracts.signed_bytes import SignedBytes
from deploy.servers.embedded_broker import EmbeddedBroker
from hub.domain.naming import deterministic_id
from hub.domain.shards import shard_of
from tests.integration.hub_rig import FeedEnd, HubRig
from tests.simulation.programme import DECIN, PARTITIONS, START, Simulation

BY = ("--by", "novak", "--purpose", "client-request")
SKILLS = Category.SKILLS
CLIENTS = [SubjectId("r1." + letter * 26) for letter in "abcdefgh"]


def on_shard(shard: int) -> SubjectId:
    """A client whose path this shard decides."""
    return next(one for one in CLIENTS if shard_of(one, partitions=PARTITIONS, shards=2) == shard)


@pytest.fixture
def rig(tmp_path: Path, quick_database: str, embedded_broker: EmbeddedBroker) -> Iterator[HubRig]:
    simulation = Simulation(shards=2)
    with HubRig(tmp_path, quick_database, embedded_broker.bootstrap, simulation=simulation) as rig:
        simulation.clock.at = START + timedelta(days=39)
        yield rig


def said(hub: Simulation, client: SubjectId) -> list[tuple[MessageId, SignedBytes]]:
    """A consent and two entries about a client."""
    grant = Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId("vz")),
        categories=(SKILLS,),
        until=START + timedelta(days=300),
        history_from=START,
    )
    paper = on_paper(GroundId(hub.next_id()), grant)
    need = NeedAssessed(dimension="skills")
    return [
        hub.message("op", paper, subject=client),
        *(hub.message("op", need, category=SKILLS, subject=client) for _ in range(2)),
    ]


def chain(feed: FeedEnd, shard: int) -> list[Delivery]:
    """A unit's deliveries from one shard, in the order in which they came."""
    found = [document(record.signed, Delivery) for record in feed.records if record.kind == "delivery"]
    return [one for one in found if one.shard == shard]


def assert_unbroken(deliveries: list[Delivery], shard: int) -> None:
    link = first_link(programme=DECIN, recipient=UnitId("vz"), shard=shard, generation=1)
    for number, one in enumerate(deliveries, 1):
        digest = bytes.fromhex(one.digest)
        link = next_link(link, recipient=one.recipient, sequence=one.sequence, position=one.position, digest=digest)
        assert (one.sequence, one.link) == (number, link.hex())
    assert all(before.position < after.position for before, after in pairwise(deliveries))


async def test_two_clients_on_two_shards_give_a_unit_two_unbroken_chains_and_the_operator_sees_both(
    rig: HubRig,
) -> None:
    hub = rig.simulation
    for shard in (0, 1):
        rig.start("projections", name=f"projections-{shard}", shard=shard)
    by_shard = {shard: said(hub, on_shard(shard)) for shard in (0, 1)}
    await rig.send([rig.outgoing(signed, on_shard(shard)) for shard in (0, 1) for _, signed in by_shard[shard]])
    entries = [name for shard in (0, 1) for name, _ in by_shard[shard][1:]]
    async with FeedEnd(rig, "vz") as vz, FeedEnd(rig, "op") as op:
        await vz.deliveries_of(entries)
        receipts = await op.receipts_of([name for shard in (0, 1) for name, _ in by_shard[shard]])
    for shard in (0, 1):
        assert {receipts[name].shard for name, _ in by_shard[shard]} == {shard}
        given = [one.subject for one in chain(vz, shard)]
        assert given == [None, *[on_shard(shard)] * 3]  # the trust list, before anything was decided under it
        assert_unbroken(chain(vz, shard), shard)
        lines = await reported(rig, on_shard(shard))
        assert {line["receiver_code"] for line in lines} == {"vz"}
        assert {str(entry) for line in lines for entry in line["entries"]} == {name for name, _ in by_shard[shard]}
        handed = await asyncio.to_thread(rig.command, "access", on_shard(shard), *BY, "--for-client")
        view = AccessView.model_validate_json(handed)
        delivered = [one for one in view.lines if one.outcome == "delivered"]
        assert (view.subject, view.said_by, len(delivered)) == (on_shard(shard), HUB, len(lines))
        assert {one.role for one in view.lines if one.audit == "client-request"} == {"operator"}, "who looked is in it"


async def test_lists_and_settings_enter_every_shards_log_once_however_often_they_are_sent(rig: HubRig) -> None:
    told = await asyncio.to_thread(rig.command, "settings-change", "--obligation-days", "10")
    assert "recorded by every shard" in told
    await asyncio.to_thread(rig.command, "trust-list", "publish")
    told = await asyncio.to_thread(rig.command, "settings-change", "--close-after-days", "5")
    assert "Version 2" in told
    assert "obligation_days = 10\nclose_after_days = 5" in await asyncio.to_thread(rig.command, "settings-change")
    notices = ("trust-list/1", "settings/1", "settings/2")
    for shard in (0, 1):
        assert rig.log("SELECT count(*) FROM log WHERE topic = 'message-refused/1'", shard=shard) == [(0,)]
        known = rig.log("SELECT message_id::text FROM message_index", shard=shard)
        assert {(deterministic_id(f"{DECIN}/{name}"),) for name in notices} <= set(known)


async def reported(rig: HubRig, client: SubjectId) -> list[dict[str, Any]]:
    """The access history once everything given is reported as delivered."""
    async with asyncio.timeout(60):
        for shard in (0, 1):
            served = f"SELECT to_regclass('projections_{shard}.access_entry')"
            while rig.log(served, shard=shard) == [(None,)]:  # noqa: ASYNC110 - its process, another one, has just begun
                await asyncio.sleep(0.05)
        while True:
            lines = json.loads(await asyncio.to_thread(rig.command, "access", client, *BY, "--json"))
            lines = [one for one in lines if one["audit"] is None]
            if lines and {line["outcome"] for line in lines} == {"delivered"}:
                return list(lines)
