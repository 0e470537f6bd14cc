"""The auditor's page over the story of Děčín: a real server, a real database, a broker, and the writer that takes what the page says.

The story is played once, in memory, and its log laid into the database, as the writer would have written it; one rig serves a whole module.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import httpx

from contracts.categories import Category, Purpose
from contracts.envelope import parse
from contracts.messages.access import Emergency, HiddenByLaw, RecordAccessed, RecordAudited
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import ActorId, SubjectId
from deploy.servers.embedded_broker import EmbeddedBroker
from hub.application.ledger import Ledger
from hub.application.ports import Commit
from hub.audit.page.evidence import Evidence
from hub.audit.page.server import AuditServer
from hub.audit.page.tokens import AuditorTokens, Issued, tokens_of
from hub.domain.events import MessageAccepted
from hub.entrypoints.house import House, open_house
from hub.entrypoints.ledger_files import files_of
from hub.entrypoints.ledger_process import signer_of
from hub.entrypoints.settings import load_settings
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.read_models import ReadModels
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.stored_log import StoredLog
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from tests.integration.hub_rig import HubRig
from tests.simulation.programme import KAREL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.simulation.programme import Simulation
    from tests.unit.hub.test_story_recipients import Story

HALINA = SubjectId("r1." + "h" * 26)
"""Somebody else, of whom the log holds little."""
NOBODY = SubjectId("r1." + "n" * 26)
"""Of whom the log holds nothing but a refusal."""
PLANTED = ("Horymír", "Zlatoústá", "+420777123456")
"""Content, which no page may show."""
EMERGENCY = "danger-to-life-or-health"
WORKER = ActorId("social-worker/w7")


@dataclass
class Clock:
    """The server's own seconds: stand where a test puts them."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Page:
    """The running page, and what stands behind it."""

    hub: HubRig
    house: House
    server: AuditServer
    tokens: AuditorTokens
    evidence: Evidence
    clock: Clock
    browsers: list[httpx.Client] = field(default_factory=list)

    def browser(self, **headers: str) -> httpx.Client:
        """One that is not signed in."""
        client = httpx.Client(base_url=self.server.address, headers=headers, timeout=90)
        self.browsers.append(client)
        return client

    def signed_in(self, issued: Issued | None = None, *, purpose: str = "complaint", **headers: str) -> httpx.Client:
        """One of an auditor who signed in."""
        self.clock.now += 120  # trying tokens is slowed down
        issued = issued or self.tokens.issue("dpo-1")
        client = self.browser(**headers)
        answer = client.post("/sign-in", data={"token": issued.text, "purpose": purpose, "next": "/search"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/search"), answer.text
        return client

    def looks(self, subject: SubjectId = KAREL) -> list[RecordAudited]:
        """What the log says of auditors' looks at a client."""
        events = [entry.event for entry in self.evidence.shard_of(subject).events(subject)]
        facts = [parse(one.message.payload).facts for one in events if isinstance(one, MessageAccepted)]
        return [one for one in facts if isinstance(one, RecordAudited)]

    def catch_up(self) -> None:
        """Bring the read models to the end of the log."""
        models = ReadModels(self.house.database(DatabaseUser.PROJECTIONS), self.house.mapper())
        models.catch_up()
        models.close()


@contextmanager
def page_over(folder: Path, dsn: str, story: Story) -> Iterator[Page]:
    """The page over a played story."""
    lengthen(story)
    with (
        EmbeddedBroker(state=folder / "broker.json", log=folder / "broker.log") as broker,
        HubRig(folder, dsn, broker.bootstrap, roles=(), simulation=story.hub) as hub,
    ):
        _record(ShardDatabase(dsn, 0), story.hub)
        hub.clock.write_text(story.hub.clock.at.isoformat())
        hub.start("intake")
        house = house_of(hub)
        models = ReadModels(house.database(DatabaseUser.PROJECTIONS), house.mapper())
        models.prepare()
        models.catch_up()
        models.close()
        vouch(house)
        with _served(hub, house) as page:
            yield page


def lengthen(story: Story) -> None:
    """What the story's table leaves out: looks, a refused attempt, another client, content, and what dispatch reports."""
    hub = story.hub
    content = NeedContent(finding=" ".join(PLANTED))
    story.say("need planted", "op", NeedAssessed(dimension="employment"), category=Category.EMPLOYMENT, content=content)
    common = {"purpose_of_access": Purpose.SUPPORT, "categories": (Category.HOUSING,)}
    read = RecordAccessed.model_validate({"reader": WORKER, "reader_unit": "md", "outcome": "read", **common})
    hub.say("md", read)
    story.on(11, 6)
    refused = {"reader": "clerk/claims-3", "reader_unit": "md-claims", "outcome": "refused", "reason": "other-unit"}
    hub.say("md", RecordAccessed.model_validate({**refused, **common}))
    opened = Emergency(
        emergency_id=hub.next_id(), reason=EMERGENCY, until=hub.clock.at + timedelta(hours=6), judged="not-justified"
    )
    hidden = HiddenByLaw(basis="court-order", until=hub.clock.at + timedelta(days=30))
    broken = {"reader": WORKER, "reader_unit": "md", "outcome": "read", "reason": EMERGENCY}
    hub.say(
        "md", RecordAccessed.model_validate({**broken, **common, "emergency": opened, "hidden": hidden}), subject=HALINA
    )
    hub.say("md", read, subject=HALINA)
    hub.say("op", NeedAssessed(dimension="skills"), category=Category.SKILLS, subject=NOBODY)
    hub.relay_all()
    hub.report_all()
    hub.clock.at += timedelta(hours=1)


def _record(shard: ShardDatabase, hub: Simulation) -> None:
    """The simulated log into the database, with its index, as the writer would have written it."""
    session = WriterSession(shard, Role.WRITER)
    store = PostgresWriterStore(session)
    head = store.take_over()
    indexed = {one.position: one for one in hub.shard.index.values()}
    position = 0
    for at, group in groupby(hub.shard.log, key=lambda event: event.at):
        events = list(group)
        known = [indexed[one] for one in range(position, position + len(events)) if one in indexed]
        head = store.commit(Commit(at=at, events=events, indexed=known), head=head)
        position += len(events)
    session.close()


def house_of(hub: HubRig, **changes: object) -> House:
    """The hub's parts, as its processes have them."""
    environment = hub.environment
    names = ("HOME", "DATABASE", "DATABASE_USERS", "BOOTSTRAP", "CLOCK")
    given = {name.lower(): environment[f"SPOJKA_HUB_{name}"] for name in names}
    return open_house(load_settings(**given, audit_port=0, **changes))


def vouch(house: House) -> None:
    """Bring the ledger to the end of the log."""
    session = Session(house.database(DatabaseUser.LEDGER), name="ledger")
    ledger = Ledger(StoredLog(session), files_of(house), signer_of(house))
    ledger.open()
    while ledger.step():
        pass
    session.close()


@contextmanager
def _served(hub: HubRig, house: House) -> Iterator[Page]:
    clock = Clock()
    server = AuditServer(house, patience=60.0, clock=clock)
    ready, ended = threading.Event(), []

    async def serve() -> None:
        stop = asyncio.Event()
        ended.append((asyncio.get_running_loop(), stop))
        ready.set()
        await server.run(stop)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    page = Page(hub, house, server, tokens_of(house.settings), Evidence(house), clock)
    try:
        yield page
    finally:
        for browser in page.browsers:
            browser.close()
        loop, stop = ended[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        page.evidence.close()
