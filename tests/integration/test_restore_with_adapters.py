"""The drill of `deploy/restoring.md` with real adapters: hub and key service are put back from their backups and the inbox is lost, so that what came
since is nowhere but in the units' own outboxes; each unit types `spojka-adapter send-again`.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from adapters.desk.actions.duties import Statement
from adapters.desk.desk import Desk
from adapters.desk.recorded import RecordedState
from adapters.drafts import ClientKey
from adapters.storage.journal import EntryKind
from contracts.categories import Category
from contracts.envelope import parse
from contracts.messages.consent import ConsentWithdrawn
from contracts.messages.erasure import ErasureCarriedOut, ErasureRequested
from contracts.messages.key import KeyDeposited
from contracts.messages.obligation import ObligationAnswered
from contracts.names import GroundId, MessageId, RecordKey, UnitId
from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.postgres import PostgresServer
from hub.domain.events import MessageAccepted
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from tests.faults.district import OP, VZ, District, until
from tests.faults.mortal_broker import MortalEmbedded
from tests.integration.key_rig import KeyRig
from tests.integration.test_restore_drill import ROLES, Site, refused
from tests.integration.unit_home import take_consents
from tests.simulation.programme import START
from tests.simulation.sealed import SealedSimulation

GOING_ON, WITHDRAWN, ERASED = (ClientKey(f"case-{name}") for name in ("going-on", "withdrawn", "erased"))
NEW = ClientKey("case-new")
"""Met after the backup."""
_KEYS = "keys_of_town"
_ADAPTER = "from adapters.commands import main; main()"


@dataclass
class Town:
    """Hub, key service and two units' adapters, each a process of its own, and what the workers wrote."""

    district: District
    site: Site
    consents: dict[ClientKey, GroundId] = field(default_factory=dict)
    written: dict[str, MessageId] = field(default_factory=dict)

    def desk(self, unit: UnitId) -> Desk:
        return self.district.houses[unit].desk

    def write(self, unit: UnitId, client: ClientKey, text: str) -> None:
        """A worker writes something that the other unit may read."""
        recorded = self.desk(unit).assess_need(client, Category.SKILLS, finding=text)
        assert recorded.state is RecordedState.WAITING, recorded
        assert recorded.message_id is not None
        self.written[text] = recorded.message_id

    def readable(self, unit: UnitId) -> set[str]:
        """Which texts of the other unit stand opened in a unit's database."""
        with self.district.houses[unit].store.read() as tx:
            given = [one.payload or b"" for one in tx.journal.since(0, limit=9999) if one.kind is EntryKind.GIVEN]
        return {text for text in self.written if any(text.encode() in one for one in given)}

    def accepted(self) -> set[MessageId]:
        """What the hub's log holds."""
        session = Session(ShardDatabase(self.district.dsn, 0), name="test")
        entries = LogReading(session, self.district.hub.mapper()).read(0, limit=9999)
        session.close()
        events = [one.event for one in entries if isinstance(one.event, MessageAccepted)]
        return {one.outline.message_id if one.outline else parse(one.message.payload).id for one in events}

    def sent_by(self, unit: UnitId) -> set[MessageId]:
        """What a unit's outbox has. Keys are deposited anew instead, and duties that are in no backup asked for, and answered, anew."""
        with self.district.houses[unit].store.read() as tx:
            sent = tx.outbox.answered(START, after=0, limit=9999)
        anew = (KeyDeposited, ObligationAnswered)
        return {one.message_id for one in sent if not isinstance(parse(one.signed.payload).facts, anew)}

    def kept_keys(self, client: ClientKey) -> set[str]:
        """The scopes of what the key service keeps about a client."""
        with self.district.houses[OP].store.read() as tx:
            subject = tx.clients.subject_of(client)
        with self.site.keys.store() as store:
            return {one.label.scope for one in store.keys_about(RecordKey(str(subject)))}

    def duties(self, unit: UnitId) -> list[str]:
        with self.district.houses[unit].store.read() as tx:
            return [one.facts.obligation_id for one in tx.obligations.unanswered()]

    def fulfil(self, unit: UnitId) -> None:
        """A worker erases what is asked for."""
        with self.district.houses[unit].store.read() as tx:
            asked = [one.facts.obligation_id for one in tx.obligations.unanswered()]
        for one in asked:
            self.desk(unit).answer_obligation(one, Statement())

    def all_is_fulfilled(self, unit: UnitId) -> bool:
        """Whether the hub has both confirmations; a duty that comes anew, under another position of the log, is fulfilled anew."""
        self.fulfil(unit)
        return self.answered() and not self.duties(unit) and self.site.said(ObligationAnswered) >= 2

    def answered(self) -> bool:
        """Whether the hub answered all that the units sent."""
        return not self.district.open_at(OP) and not self.district.open_at(VZ)

    def send_again(self, unit: UnitId, since: str) -> str:
        """As the unit's IT person types it, while the adapter runs."""
        words = ["send-again", "--since", since, "--home", str(self.district.homes[unit].home)]
        done = subprocess.run(
            [sys.executable, "-c", _ADAPTER, *words], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def town(
    tmp_path: Path, quick_postgres_server: PostgresServer, quick_database: str, embedded_broker: EmbeddedBroker
) -> Iterator[Town]:
    name = str(psycopg.conninfo.conninfo_to_dict(quick_database)["dbname"])
    with contextlib.suppress(psycopg.errors.DuplicateDatabase):
        quick_postgres_server.create_database(_KEYS)
    simulation = SealedSimulation()
    broker = MortalEmbedded(embedded_broker)
    try:
        with District(tmp_path, quick_database, broker, hub_roles=ROLES, simulation=simulation) as district:
            keys = KeyRig(district.hub, quick_postgres_server.dsn(_KEYS), simulation)
            keys.prepare()
            keys.start()
            yield Town(district, Site(quick_postgres_server, keys, (name, _KEYS)))
    finally:
        for one in (f"{name}_backup", f"{_KEYS}_backup", _KEYS):
            quick_postgres_server.drop_database(one)


async def before_the_backup(town: Town) -> None:
    """Three clients agree that both units share; each has an entry that the other unit read."""
    clients = (GOING_ON, WITHDRAWN, ERASED)
    taken = await asyncio.to_thread(take_consents, town.desk(OP), clients, (OP, VZ))
    town.consents = {client: one.consent_id for client, one in taken.items()}
    papers = {message.message_id for one in taken.values() for message in one.messages}
    await until(lambda: town.district.given(VZ) >= papers)
    with town.district.houses[OP].store.read() as tx:
        subject = tx.clients.subject_of(GOING_ON)
    assert subject is not None
    town.desk(VZ).adopt(subject, GOING_ON)
    town.desk(VZ).attest(GOING_ON, town.consents[GOING_ON])
    for client in clients:
        town.write(OP, client, f"early {client}")
    await until(lambda: town.readable(VZ) == set(town.written) and town.answered())


async def since_the_backup(town: Town) -> None:
    """Work goes on, somebody new comes, one client takes a consent back, another has everything erased; all of it is done."""
    town.write(OP, GOING_ON, "late of op")
    town.write(VZ, GOING_ON, "late of vz")
    await asyncio.to_thread(take_consents, town.desk(OP), [NEW], (OP, VZ))
    town.write(OP, NEW, "late of somebody new")
    await until(lambda: "late of vz" in town.readable(OP) and "late of somebody new" in town.readable(VZ))
    town.desk(OP).withdraw(WITHDRAWN, town.consents[WITHDRAWN])
    town.desk(OP).ask_erasure(ERASED)
    await until(lambda: len(town.duties(VZ)) >= 2)
    town.fulfil(VZ)
    await until(lambda: town.answered() and town.site.said(ErasureCarriedOut) == 1)
    await until(town.site.remembered)


async def test_units_send_again_and_nothing_is_lost_or_given_that_was_withdrawn_or_erased(town: Town) -> None:
    district, site = town.district, town.site
    await before_the_backup(town)
    site.end()
    site.back_up()
    since = district.hub.clock.read_text()
    site.start()
    for unit in (OP, VZ):
        district.start(unit)
    await since_the_backup(town)
    keys = town.kept_keys(NEW)
    assert Category.SKILLS in keys
    everything, given = town.accepted(), {unit: district.given(unit) for unit in (OP, VZ)}
    for role in (*ROLES, "keys"):
        district.hub.kill(role)
    site.put_back()
    district.broker_fails(loses_everything=True)
    assert everything - town.accepted(), "the backup holds all: nothing to send again"
    site.hub.command("restore", "begin")
    site.start()
    await until(lambda: "is ready" in site.hub.command("restore", "check"))
    assert "send-again" in refused(site, "restore", "resume")
    for unit in (OP, VZ):
        assert "Sent again: " in town.send_again(unit, since)
        own = town.sent_by(unit) & everything
        await until(lambda own=own: own <= town.accepted(), within=60)  # type: ignore[misc] # bound here, not when it is called
    assert {unit: district.given(unit) for unit in (OP, VZ)} == given, "something was given before the operator said so"
    site.hub.command("restore", "resume", "--sent-again")
    town.write(OP, GOING_ON, "behind the restore")
    await until(lambda: "behind the restore" in town.readable(VZ))
    await until(lambda: site.said(ErasureCarriedOut) == 1 and town.kept_keys(ERASED) == {"parties"})
    await until(lambda: town.answered() and town.kept_keys(NEW) == keys)
    assert site.said(ConsentWithdrawn) == site.said(ErasureRequested) == 1
    assert town.readable(VZ) == {f"early {GOING_ON}", "late of op", "late of somebody new", "behind the restore"}
    assert town.readable(OP) == {"late of vz"}
    await until(lambda: town.all_is_fulfilled(VZ))
    held = town.desk(OP).assess_need(WITHDRAWN, Category.SKILLS, finding="nobody may read it")
    assert held.state is RecordedState.HELD
