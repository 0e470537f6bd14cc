"""What the operator of a running hub relies on: commands about parked messages, health, metrics, and logs that name nobody."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.messages.client import ClientContent, ClientEnrolled
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import RecordKey
from contracts.pae import PayloadType
from contracts.signed_bytes import sign_one
from deploy.servers.embedded_broker import EmbeddedBroker
from hub.application.ports import Commit, Parked
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from projections.kafka.batch_producer import OutgoingRecord
from tests.integration.hub_rig import FeedEnd, HubRig
from tests.integration.test_hub_processes import consent
from tests.simulation.programme import KAREL, START

NAMES = ("Horymír", "Nezdolný", "Zlatoústá", "+420777123456")
"""Planted where only content may be."""


@pytest.fixture
def rig(tmp_path: Path, quick_database: str, embedded_broker: EmbeddedBroker) -> Iterator[HubRig]:
    with HubRig(tmp_path, quick_database, embedded_broker.bootstrap, roles=()) as rig:
        rig.simulation.clock.at = START + timedelta(days=39)
        yield rig


def park(rig: HubRig, records: list[OutgoingRecord]) -> None:
    """As a writer leaves messages that met a fault of its version."""
    session = WriterSession(ShardDatabase(rig.dsn, 0), Role.WRITER)
    store = PostgresWriterStore(session)
    parked = [
        Parked(
            key=RecordKey(KAREL),
            source=rig.simulation.units["op"].source,
            message_id=json.loads(record.value or b"")["id"],
            topic="hub.inbox",
            partition=record.partition or 0,
            offset=number,
            value=record.value or b"",
            headers=tuple(record.headers),
            fault="ZeroDivisionError: a fault of ours" if number == 0 else "stands behind a parked message",
        )
        for number, record in enumerate(records)
    ]
    store.commit(Commit(at=rig.simulation.clock.at, parked=parked), head=store.take_over())
    session.close()


async def test_parked_messages_are_listed_then_decided_again_by_the_running_writer(rig: HubRig) -> None:
    hub = rig.simulation
    given, paper = consent(hub)
    skills, entry = hub.message("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    await asyncio.to_thread(park, rig, [rig.outgoing(paper, KAREL), rig.outgoing(entry, KAREL)])
    listed = json.loads(await asyncio.to_thread(rig.command, "parked", "list", "--json"))
    assert [(one["message_id"], one["key"]) for one in listed] == [(given, KAREL), (skills, KAREL)]
    for role in ("intake", "dispatch"):
        rig.start(role)
    told = await asyncio.to_thread(rig.command, "parked", "retry", KAREL)
    assert "2 message(s) were parked, 0 are now" in told
    async with FeedEnd(rig, "op") as op:
        receipts = await op.receipts_of([given, skills])
    assert [receipts[one].code for one in (given, skills)] == [None, None]


async def test_refused_while_no_writer_runs_takes_effect_when_one_comes(rig: HubRig) -> None:
    hub = rig.simulation
    given, paper = consent(hub)
    await asyncio.to_thread(park, rig, [rig.outgoing(paper, KAREL)])
    assert "as soon as one runs" in await asyncio.to_thread(rig.command, "parked", "refuse", KAREL)
    for role in ("intake", "dispatch"):
        rig.start(role)
    async with FeedEnd(rig, "op") as op:
        receipts = await op.receipts_of([given])
    assert receipts[given].code is RefusalCode.OPERATOR_REFUSED


async def test_logs_name_nobody_and_health_says_what_each_role_does(rig: HubRig) -> None:
    hub = rig.simulation
    for role in ("intake", "dispatch", "projections"):
        rig.start(role)
    messages = [consent(hub)]
    content = ClientContent(given_name=NAMES[0], family_name=NAMES[1], note=NAMES[2])
    messages.append(hub.message("op", ClientEnrolled(), category=Category.IDENTITY, content=content))
    finding = NeedContent(finding=f"{NAMES[1]} {NAMES[3]}")
    messages.append(hub.message("op", NeedAssessed(dimension="skills"), category=Category.SKILLS, content=finding))
    records = [rig.outgoing(signed, KAREL) for _, signed in messages]
    await rig.send([*odd(rig), *records])
    async with FeedEnd(rig, "op") as op:
        await op.receipts_of([name for name, _ in messages])
    for role, state in (("intake", "writing"), ("dispatch", "relaying"), ("projections", "projecting")):
        assert (await healthy(rig, role, state))["status"] == "pass"
    logs = "".join(path.read_text() for path in rig.folder.glob("*.log"))
    assert "writer.dead-letter" in logs
    assert [name for name in (*NAMES, "Horym", "Nezdoln", KAREL) if name in logs] == []


async def test_a_writer_whose_list_has_expired_decides_nothing_says_so_and_goes_on_when_the_clock_is_right(
    rig: HubRig,
) -> None:
    today = rig.clock.read_text()
    rig.clock.write_text("2030-01-01T10:00:00+01:00")
    rig.start("intake")
    assert (await healthy(rig, "intake", "no-list"))["status"] == "fail"
    assert rig.log("SELECT count(*) FROM log") == [(0,)]
    rig.clock.write_text(today)
    assert (await healthy(rig, "intake", "writing"))["status"] == "pass"


async def test_what_spoke_for_nobody_is_kept_whole_and_listed_with_its_reason_and_without_its_content(
    rig: HubRig,
) -> None:
    rig.start("intake")
    junk, *_ = odd(rig)
    _, good = rig.simulation.message("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    forged = replace(rig.outgoing(good, KAREL), value=good.payload.replace(b'"skills"', b'"housing"', 1))
    sent = [junk, forged]
    await rig.send(sent)
    letters = await buried(rig, len(sent))
    assert {one["reason"] for one in letters} == {"invalid-envelope", "bad-signature"}
    values = {one.value or b"" for one in sent}
    assert {one["digest"] for one in letters} == {sha256(value).hexdigest() for value in values}
    assert {value for (value,) in rig.log("SELECT value FROM dead_letter")} == values
    shown = await asyncio.to_thread(rig.command, "dead-letters", "list")
    assert all(str(one["digest"])[:16] in shown for one in letters)
    assert [name for name in NAMES if name in shown + json.dumps(letters)] == []


async def buried(rig: HubRig, wanted: int) -> list[dict[str, Any]]:
    """The dead letters, once there are so many."""
    async with asyncio.timeout(60):
        while True:
            found: list[dict[str, Any]] = json.loads(
                await asyncio.to_thread(rig.command, "dead-letters", "list", "--json")
            )
            if len(found) >= wanted:
                return found


def odd(rig: HubRig) -> list[OutgoingRecord]:
    """Records that fail in parsing, with somebody's name where the fault is."""
    hub = rig.simulation
    _, good = hub.message("op", NeedAssessed(dimension="skills"), category=Category.SKILLS, sequence=1)
    bad_facts = good.payload.replace(b'"dimension":"skills"', f'"dimension":"{NAMES[1]}"'.encode())
    signed = sign_one(bad_facts, hub.units["op"].key, PayloadType.CLOUDEVENT)
    junk = rig.outgoing(good, KAREL)
    return [
        OutgoingRecord(junk.topic, junk.partition, junk.key, f"{NAMES[0]} {NAMES[3]}".encode(), junk.headers),
        OutgoingRecord(junk.topic, junk.partition, junk.key, good.payload, (*junk.headers, (NAMES[2], b"x"))),
        rig.outgoing(signed, KAREL),
    ]


async def healthy(rig: HubRig, role: str, state: str) -> dict[str, Any]:
    """What `/health` tells once the role is in this state."""
    async with asyncio.timeout(60):
        while True:
            told = await asyncio.to_thread(ask_health, rig.folder / f"{role}.log")
            if told.get("checks", {}).get(role) == state:
                return told


def ask_health(log: Path) -> dict[str, Any]:
    """What the process that writes this log answers; nothing before it listens."""
    ports = [json.loads(line)["port"] for line in log.read_text().splitlines() if '"hub.started"' in line]
    if not ports:
        return {}
    try:
        with urlopen(f"http://127.0.0.1:{ports[-1]}/health") as answer:
            told: dict[str, Any] = json.loads(answer.read())
    except HTTPError as failing:
        told = json.loads(failing.read())
    return told
