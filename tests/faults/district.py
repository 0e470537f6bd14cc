"""A hub and two units' adapters, all in real processes as their operators run them, on a broker that dies; and clients of both units.

The test sits at the units' desks: what it records leaves by the running adapters.
"""

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

from adapters.desk.recorded import RecordedState
from adapters.drafts import ClientKey
from adapters.process.unit_house import DATABASE, UnitHouse
from adapters.settings import AdapterSettings, unit_folder
from adapters.storage.journal import EntryKind
from adapters.storage.outbox import OutboxState
from contracts.categories import Category
from contracts.names import GroundId, MessageId, SubjectId, UnitId
from projections import timeline
from tests.faults.ledger import Ledger, LogSeen, Sent, read_log
from tests.faults.mortal_broker import MortalBroker
from tests.faults.story_time import RunningStory
from tests.integration.hub_rig import HubRig
from tests.integration.unit_home import make_home, take_consents
from tests.simulation.programme import START, Simulation

OP, VZ = UnitId("op"), UnitId("vz")
CLIENTS = tuple(ClientKey(f"case-{number}") for number in range(4))
PATIENCE = 120.0
"""Seconds for anything to happen, on a machine that does much else."""
_LOOK_SECONDS = 0.05
_ADAPTER = "from adapters.commands import main; main()"


async def until(condition: Callable[[], object], *, within: float = PATIENCE) -> None:
    """Wait for a condition that asks databases."""
    async with asyncio.timeout(within):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - several processes change it, so there is no event
            await asyncio.sleep(_LOOK_SECONDS)


@dataclass
class District:
    """`with District(...)`: hub and adapters run; `open_paths` then gives both units clients in common."""

    folder: Path
    dsn: str
    broker: MortalBroker
    hub_roles: Sequence[str] = ("intake", "dispatch")
    clients: Sequence[ClientKey] = CLIENTS
    speed: float = 60.0
    """Of the story's clock: seconds a second."""
    simulation: Simulation = field(default_factory=Simulation)
    """A sealed one seals; its key service is the caller's to start."""
    ledger: Ledger = field(default_factory=Ledger)
    subjects: dict[ClientKey, SubjectId] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.hub = HubRig(
            self.folder, self.dsn, self.broker.bootstrap, roles=self.hub_roles, simulation=self.simulation
        )
        self.hub.__enter__()
        self._story = RunningStory(self.hub.clock, since=START + timedelta(days=39), speed=self.speed)
        self._story.__enter__()
        self.homes: dict[UnitId, AdapterSettings] = {}
        self.houses: dict[UnitId, UnitHouse] = {}
        try:
            for unit in (OP, VZ):
                self._set_up(unit)
                self.start(unit)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for house in self.houses.values():
            house.close()
        self.hub.__exit__()
        self._story.__exit__()

    def start(self, name: str) -> None:
        """Start a role of the hub, or a unit's adapter."""
        if name not in self.homes:
            self.hub.start(name)
            return
        log = (self.folder / f"adapter-{name}.log").open("ab")
        command = [sys.executable, "-c", _ADAPTER, "run", "--home", str(self.homes[UnitId(name)].home)]
        self.hub.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill_and_restart(self, name: str) -> None:
        """SIGKILL of a role or an adapter, and another one in its place."""
        self.hub.kill(name)
        self.start(name)

    def broker_fails(self, *, loses_everything: bool) -> None:
        """SIGKILL of the broker, and its return."""
        if loses_everything:
            self.broker.lose_everything()
        else:
            self.broker.kill_and_restart()
        self.hub.moved(self.broker.bootstrap)

    async def open_paths(self) -> None:
        """`op` takes every client's consent to share skills with `vz` and back; `vz` saw the papers."""
        consents = await asyncio.to_thread(self._take_consents)
        await until(lambda: self.given(VZ) >= self.ledger.of(OP))
        with self.houses[OP].store.read() as tx:
            found = {client: tx.clients.subject_of(client) for client in self.clients}
        self.subjects = {client: subject for client, subject in found.items() if subject is not None}
        for client, subject in self.subjects.items():
            self.houses[VZ].desk.adopt(subject, client)
            self._keep(VZ, [self.houses[VZ].desk.attest(client, consents[client]).message_id])

    def record(self, unit: UnitId, entries: int, *, chosen: random.Random) -> None:
        """A worker of a unit records entries about clients."""
        desk = self.houses[unit].desk
        ids = []
        for number in range(entries):
            finding = f"{unit} {number} {chosen.random()}"
            recorded = desk.assess_need(chosen.choice(self.clients), Category.SKILLS, finding=finding)
            assert recorded.state is RecordedState.WAITING, recorded
            ids.append(recorded.message_id)
        self._keep(unit, ids)

    def open_at(self, unit: UnitId) -> int:
        """Messages of a unit without a receipt."""
        with self.houses[unit].store.read() as tx:
            counts = tx.outbox.counts()
        return counts[OutboxState.WAITING] + counts[OutboxState.SENT]

    def given(self, unit: UnitId) -> set[MessageId]:
        """What a unit's journal has of others."""
        with self.houses[unit].store.read() as tx:
            entries = tx.journal.since(0, limit=1_000_000)
        return {one.message_id for one in entries if one.kind is EntryKind.GIVEN}

    def settled(self) -> bool:
        """Whether everything sent was answered and given."""
        answered = not self.open_at(OP) and not self.open_at(VZ)
        return answered and self.given(VZ) >= self.ledger.of(OP) and self.given(OP) >= self.ledger.of(VZ)

    async def check(self) -> LogSeen:
        """Wait until all is settled, then compare log, feeds, journals and timelines with the ledger."""
        await until(self.settled, within=2 * PATIENCE)
        log = read_log(self.dsn, self.hub.mapper())
        log.check(self.ledger)
        self.check_unit(VZ, OP, log.feeds[VZ])
        self.check_unit(OP, VZ, log.feeds[OP])
        return log

    def said_in_log(self, name: str, words: str) -> int:
        """How often a process of this name logged these words."""
        path = self.folder / f"{f'adapter-{name}' if name in self.homes else name}.log"
        return path.read_text(errors="replace").count(words) if path.exists() else 0

    def check_unit(self, unit: UnitId, other: UnitId, slots: Sequence[tuple[int, MessageId]]) -> None:
        """The journal has every slot of the feed once and in order, and the timeline shows every message once."""
        with self.houses[unit].store.read() as tx:
            entries = [one for one in tx.journal.since(0, limit=1_000_000) if one.kind is EntryKind.GIVEN]
        assert sorted((one.feed_sequence or 0, one.message_id) for one in entries) == list(slots)
        assert {one.message_id for one in entries} >= self.ledger.of(other)
        overviews = self.houses[unit].overviews()
        try:
            with overviews.look() as connection:
                shown = [
                    entry.message_id
                    for subject in self.subjects.values()
                    for entry in timeline.entries(connection, subject, others_visible=True)
                ]
        finally:
            overviews.close()
        assert len(shown) == len(set(shown))
        assert set(shown) >= self.ledger.of(unit) | self.ledger.of(other)

    @contextmanager
    def stopped(self, unit: UnitId) -> Iterator[Path]:
        """The unit's adapter is down and its database closed; gives the database's path."""
        self.hub.stop(unit)
        self.houses.pop(unit).close()
        yield unit_folder(self.homes[unit].home, unit) / DATABASE
        self.houses[unit] = UnitHouse.open(self.homes[unit], unit)
        self.start(unit)

    def _take_consents(self) -> dict[ClientKey, GroundId]:
        consents = take_consents(self.houses[OP].desk, self.clients, (OP, VZ))
        for one in consents.values():
            self._keep(OP, [message.message_id for message in one.messages])
        return {client: one.consent_id for client, one in consents.items()}

    def _keep(self, unit: UnitId, ids: Sequence[MessageId | None]) -> None:
        with self.houses[unit].store.read() as tx:
            found = [tx.outbox.find(one) for one in ids if one is not None]
        messages = [one for one in found if one is not None]
        assert len(messages) == len(ids), "something that a consent covers did not leave"
        self.ledger.add(Sent(unit, one.message_id, one.record_key, one.signed) for one in messages)

    def _set_up(self, unit: UnitId) -> None:
        home = self.folder / f"adapter-{unit}"
        bootstrap = f"file:{self.hub.address}"
        self.homes[unit] = make_home(
            home, unit, simulation=self.hub.simulation, bootstrap=bootstrap, clock=self.hub.clock
        )
        self.houses[unit] = UnitHouse.open(self.homes[unit], unit)
