"""A hub whose databases are put back from a backup gives nothing, and opens nothing, that was withdrawn or erased since (deploy/restoring.md).

Real processes, a real broker, both databases copied and put back whole. The backup is taken when an entry was decided and not yet given: whoever goes
on from it without the drill gives it, and releases its key.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from contracts.categories import Category
from contracts.feed_head import FeedHead
from contracts.feed_record import FeedRecord, document
from contracts.messages.consent import ConsentContent, ConsentWithdrawn
from contracts.messages.erasure import ErasureCarriedOut, ErasureRequested
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import GroundId, MessageId, RecordKey
from contracts.sealing.release import Release
from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.postgres import PostgresServer
from hub.domain.events import MessageAccepted
from hub.domain.outlines import said_in
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from tests.integration.hub_rig import FeedEnd, HubRig
from tests.integration.kafka_rig import until
from tests.integration.key_rig import KeyRig, keyring, outgoing
from tests.simulation.programme import KAREL
from tests.simulation.sealed import SealedSimulation
from tests.simulation.sealed_said import housing_consent

ROLES = ("intake", "dispatch", "ledger")
PATIENCE = 120.0


@dataclass
class Site:
    """A hub, its key service and its units, and the server that both databases lie on."""

    server: PostgresServer
    keys: KeyRig
    databases: tuple[str, str]

    @property
    def hub(self) -> HubRig:
        return self.keys.hub

    def start(self, roles: Sequence[str] = (*ROLES, "keys")) -> None:
        for role in roles:
            self.keys.start() if role == "keys" else self.hub.start(role)

    def end(self) -> None:
        """All at once, as a machine that is switched off."""
        for name in list(self.hub.processes):
            self.hub.kill(name)

    def _copy(self, origin: str, name: str) -> None:
        self.server.drop_database(name)
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(origin))
            connection.execute(copy)

    def back_up(self) -> None:
        for name in self.databases:
            self._copy(name, f"{name}_backup")

    def put_back(self) -> None:
        """Both databases as they were, while nothing runs."""
        for name in self.databases:
            self._copy(f"{name}_backup", name)

    def events(self) -> int:
        ((count,),) = self.hub.log("SELECT count(*) FROM log")
        return int(str(count))

    def said(self, kind: type) -> int:
        """How many accepted messages of a type the log holds."""
        session = Session(ShardDatabase(self.hub.dsn, 0), name="test")
        entries = LogReading(session, self.hub.mapper()).read(0, limit=1000)
        session.close()
        found = [said_in(one.event) for one in entries if isinstance(one.event, MessageAccepted)]
        return sum(isinstance(one.facts, kind) for one in found)

    def remembered(self) -> bool:
        """Whether everybody that gives something, and intake, remembers the log as it is now."""
        homes = {"intake": "hub", "dispatch": "hub", "keys": "keys-home"}
        marks = [self.hub.folder / home / "marks" / f"{role}-0.json" for role, home in homes.items()]
        return all(one.exists() and json.loads(one.read_text())["position"] == self.events() for one in marks)

    def told(self, name: str, word: str) -> int:
        """How often a process's log says a word."""
        return (self.hub.folder / f"{name}.log").read_text().count(word)

    def content_keys(self) -> list[str]:
        """The scopes of what the key service keeps about the client."""
        with self.keys.store() as store:
            return sorted(one.label.scope for one in store.keys_about(RecordKey(KAREL)))


@pytest.fixture
def site(
    tmp_path: Path, quick_postgres_server: PostgresServer, quick_database: str, embedded_broker: EmbeddedBroker
) -> Iterator[Site]:
    name = quick_database.rpartition("/")[2].partition("?")[0]
    databases = (psycopg.conninfo.conninfo_to_dict(quick_database)["dbname"] or name, "keys_of_drill")
    with contextlib.suppress(psycopg.errors.DuplicateDatabase):
        quick_postgres_server.create_database("keys_of_drill")
    simulation = SealedSimulation()
    try:
        with HubRig(tmp_path, quick_database, embedded_broker.bootstrap, ROLES, simulation) as hub:
            keys = KeyRig(hub, quick_postgres_server.dsn("keys_of_drill"), simulation)
            keys.prepare()
            yield Site(quick_postgres_server, keys, (str(databases[0]), "keys_of_drill"))
    finally:
        for one in (*(f"{name}_backup" for name in databases), "keys_of_drill"):
            quick_postgres_server.drop_database(str(one))


@dataclass(frozen=True)
class Story:
    """What the client's advice office said before and after the backup."""

    consent: MessageId
    entry: MessageId
    before: int
    """Records of its that came before the backup."""


async def lived(site: Site) -> Story:
    """The backup is taken when an entry is decided; it is given and opened; then all is withdrawn and erased, and the machine is lost."""
    hub, units = site.hub, site.keys.simulation
    hub.stop("dispatch")
    paper = housing_consent(units)
    consent = units.seal("op", paper, ConsentContent(evidence="on paper"))
    entry = units.seal(
        "op", NeedAssessed(dimension="housing"), NeedContent(finding="Dluží nájem."), category=Category.HOUSING
    )
    before = len(units.said)
    await hub.send([outgoing(record) for record in units.said])
    await until(lambda: site.said(NeedAssessed) == 1, within=PATIENCE)
    site.end()
    site.back_up()
    site.start()
    async with FeedEnd(hub, "md") as md:
        await md.deliveries_of([entry])
        await until(lambda: keyring(units, md, "md").opened(units.sent(entry)) is not None, within=PATIENCE)
        for facts in (ConsentWithdrawn(consent_id=GroundId(paper.consent_id)), ErasureRequested()):
            _, signed = units.message("op", facts)
            units.said.append(units.record(signed, KAREL))
            units.take(units.said[-1:])
        await hub.send([outgoing(record) for record in units.said[before:]])
        await until(lambda: site.said(ErasureCarriedOut) == 1, within=PATIENCE)
    await until(site.remembered, within=PATIENCE)
    site.end()
    site.put_back()
    return Story(consent, entry, before)


def released(feed: FeedEnd, scope: str) -> int:
    """How often a feed brought a key for what is of a scope."""
    return sum(one.kind == "release" and document(one.signed, Release).scope == scope for one in feed.records)


def generation(record: FeedRecord) -> int:
    """That of a head; 0 of anything else."""
    return document(record.signed, FeedHead).generation if record.kind == "head" else 0


def refused(site: Site, *arguments: str) -> str:
    with pytest.raises(AssertionError) as raised:
        site.hub.command(*arguments)
    return str(raised.value)


async def test_nothing_withdrawn_or_erased_since_the_backup_is_given_or_opened_and_all_that_came_since_is_there(
    site: Site,
) -> None:
    story = await lived(site)
    events = site.events()
    async with FeedEnd(site.hub, "md") as md:
        roles = ("intake", "dispatch", "keys")
        held = {name: site.told(name, "restored.held") for name in roles}
        site.start(roles)
        await until(lambda: all(site.told(name, "restored.held") > held[name] for name in roles), within=PATIENCE)
        assert site.events() == events, "intake went on over a backup of which nobody had said so"
        assert "restore begin" in site.hub.command("restore", "check")
        site.hub.command("restore", "begin")
        site.start(["ledger"])
        await until(lambda: "is ready" in site.hub.command("restore", "check"), within=PATIENCE)
        assert site.said(ConsentWithdrawn) == site.said(ErasureRequested) == 1
        site.hub.command("restore", "resume")
        await until(lambda: any(generation(one) == 2 for one in md.records), within=PATIENCE)
        await until(lambda: site.said(ErasureCarriedOut) == 1, within=PATIENCE)
        await until(lambda: site.content_keys() == ["parties"], within=PATIENCE)
        assert md.delivered().count(story.entry) == 1, "what was withdrawn was given once more"
        assert released(md, "housing") == 1, "the key to it was released once more"
        await flows(site, md)
    assert list((site.hub.folder / "hub" / "ledger").glob("0.until-generation-2/checkpoint"))
    assert "No restore is under way" in refused(site, "restore", "resume")


async def flows(site: Site, md: FeedEnd) -> None:
    """Under a new consent everything goes as ever."""
    units = site.keys.simulation
    start = len(units.said)
    units.seal("op", housing_consent(units), ConsentContent(evidence="again"), epoch=2)
    content = NeedContent(finding="Bydlí u sestry.")
    entry = units.seal("op", NeedAssessed(dimension="housing"), content, category=Category.HOUSING, epoch=2)
    await site.hub.send([outgoing(record) for record in units.said[start:]])
    await md.deliveries_of([entry])
    await until(lambda: keyring(units, md, "md").opened(units.sent(entry)) is not None, within=PATIENCE)


async def test_where_the_inbox_is_lost_too_units_send_again_and_an_erased_key_stays_erased_whatever_they_send(
    site: Site, embedded_broker: EmbeddedBroker
) -> None:
    story = await lived(site)
    units = site.keys.simulation
    embedded_broker.stop()
    embedded_broker.start()
    site.hub.moved(embedded_broker.bootstrap)
    site.hub.command("restore", "begin")
    site.start()
    await until(lambda: "with losses" in site.hub.command("restore", "check"), within=PATIENCE)
    assert "no longer holds all that came since" in refused(site, "restore", "resume")
    await site.hub.send([outgoing(record) for record in units.said[:-1]])  # but for the request to erase
    await until(lambda: site.said(ConsentWithdrawn) == 1, within=PATIENCE)
    site.hub.command("restore", "resume", "--sent-again")
    async with FeedEnd(site.hub, "md") as md:
        await until(lambda: any(generation(one) == 2 for one in md.records), within=PATIENCE)
        await until(lambda: site.content_keys() == ["parties"], within=PATIENCE)
        assert site.hub.log("SELECT count(*) FROM key_mailbox") == [(0,)], "a key that was erased may still come"
        await site.hub.send([outgoing(units.said[-1])])
        await flows(site, md)
        assert story.entry not in md.delivered()


async def test_a_backup_of_another_log_and_a_log_that_is_whole_are_not_taken_for_a_restore(site: Site) -> None:
    site.hub.command("settings-change", "--obligation-days", "20")
    checkpoint = site.hub.folder / "hub" / "ledger" / "0" / "checkpoint"
    await until(
        lambda: checkpoint.exists() and int(checkpoint.read_text().splitlines()[1]) == site.events() > 1,
        within=PATIENCE,
    )
    site.end()
    assert "no backup was put in its place" in refused(site, "restore", "begin")
    with psycopg.connect(site.hub.dsn, options="-c search_path=shard_0") as connection:
        connection.execute("UPDATE log SET state = state || '\\x00' WHERE position = 0")
        connection.execute("DELETE FROM message_index WHERE position = (SELECT max(position) FROM log)")
        connection.execute("DELETE FROM log WHERE position = (SELECT max(position) FROM log)")
        connection.execute("UPDATE head SET position = (SELECT count(*) FROM log)")
    assert "This is not a backup of the log" in refused(site, "restore", "begin")
