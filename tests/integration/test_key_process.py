"""The key service as a process beside a running hub: what it releases opens what was given, whatever is killed or lost on the way."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.envelope import parse
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentContent
from contracts.messages.key import KeyReleased
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import GroundId, MessageId, UnitId
from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.postgres import PostgresServer
from hub.domain.events import MessageAccepted
from hub.entrypoints.settings import LOG_KEK
from hub.infrastructure.key_encryption import KekFile
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from tests.integration.hub_rig import FeedEnd, HubRig
from tests.integration.kafka_rig import until
from tests.integration.key_rig import KeyRig, keyring, outgoing
from tests.simulation.programme import START
from tests.simulation.sealed import SealedSimulation

PAGE = Path(__file__).resolve().parents[2] / "deploy" / "secured.md"


@pytest.fixture
def key_database(quick_postgres_server: PostgresServer, quick_database: str) -> Iterator[str]:
    del quick_database  # the server runs
    with contextlib.suppress(psycopg.errors.DuplicateDatabase):
        quick_postgres_server.create_database("keys")
    yield quick_postgres_server.dsn("keys")
    quick_postgres_server.drop_database("keys")


@pytest.fixture
def rig(tmp_path: Path, quick_database: str, key_database: str, embedded_broker: EmbeddedBroker) -> Iterator[KeyRig]:
    simulation = SealedSimulation()
    with HubRig(tmp_path, quick_database, embedded_broker.bootstrap, simulation=simulation) as hub:
        keys = KeyRig(hub, key_database, simulation)
        keys.prepare()
        keys.start()
        yield keys


def said(hub: SealedSimulation) -> list[MessageId]:
    """A consent and an entry under it, sealed."""
    hub.clock.at = START + timedelta(days=10)
    grant = Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId("md")),
        categories=(Category.HOUSING,),
        until=START + timedelta(days=300),
        history_from=START,
    )
    paper = on_paper(GroundId(hub.next_id()), grant)
    consent = hub.seal("op", paper, ConsentContent(evidence="on paper"))
    content = NeedContent(finding="Dluží nájem.")
    return [consent, hub.seal("op", NeedAssessed(dimension="housing"), content, category=Category.HOUSING)]


def opened(rig: KeyRig, feed: FeedEnd, names: list[MessageId]) -> bool:
    ring = keyring(rig.simulation, feed, "md")
    return all(ring.opened(rig.simulation.sent(name)) is not None for name in names)


async def test_what_was_given_opens_and_the_log_tells_to_whom_and_a_lost_broker_loses_no_key(
    rig: KeyRig, embedded_broker: EmbeddedBroker
) -> None:
    hub = rig.hub
    names = said(rig.simulation)
    await hub.send([outgoing(record) for record in rig.simulation.said])
    async with FeedEnd(hub, "md") as md, FeedEnd(hub, "vz") as vz:
        await md.deliveries_of(names)
        await until(lambda: opened(rig, md, names))
        assert not keyring(rig.simulation, vz, "vz").contents
    await until(lambda: released_in_log(hub) == 2)
    assert hub.log("SELECT count(*) FROM key_mailbox") == [(0,)]
    names = [*names, await another_while_the_logs_key_is_renewed(rig, names)]
    hub.kill("keys")
    embedded_broker.stop()
    embedded_broker.start()
    hub.moved(embedded_broker.bootstrap)
    rig.start()
    async with FeedEnd(hub, "md") as md:
        await until(lambda: opened(rig, md, names))
    assert hub.stop("keys") == 0


async def another_while_the_logs_key_is_renewed(rig: KeyRig, before: list[MessageId]) -> MessageId:
    """The lines of the operator's page, typed while hub and key service run; then one more entry is said, given and opened."""
    hub, units = rig.hub, rig.simulation
    kept, copied = hub.folder / "hub" / LOG_KEK, hub.folder / "keys-home" / "log-kek.json"
    (block,) = re.findall(r"^```\n(spojka-hub rotate-kek.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for line in block.splitlines():
        hub.command(*line.split()[1:])
        shutil.copy(kept, copied)
    assert KekFile(copied).names() == ["log-kek-2"]
    start = len(units.said)
    content = NeedContent(finding="Má novou práci.")
    name = units.seal("op", NeedAssessed(dimension="housing"), content, category=Category.HOUSING)
    await hub.send([outgoing(record) for record in units.said[start:]])
    async with FeedEnd(hub, "md") as md:
        await until(lambda: opened(rig, md, [*before, name]))
    return name


def released_in_log(hub: HubRig) -> int:
    """How many releases the log names."""
    session = Session(ShardDatabase(hub.dsn, 0), name="test")
    entries = LogReading(session, hub.mapper()).read(0, limit=1000)
    session.close()
    accepted = [parse(one.event.message.payload) for one in entries if isinstance(one.event, MessageAccepted)]
    return sum(len(one.facts.releases) for one in accepted if isinstance(one.facts, KeyReleased))
