"""A hub of real processes on a real broker and a real PostgreSQL, with units that speak for themselves.

The hub runs as its operator would run it, by `spojka-hub`, each role as a database user of its own with the privileges of its part; the units are
the test's own, so that they can misbehave.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psycopg
from aiokafka.structs import TopicPartition

from contracts.dsse import to_envelope
from contracts.envelope import parse
from contracts.feed_record import FeedRecord, document, read
from contracts.kafka_record import to_headers
from contracts.keys import KeyUse
from contracts.names import MessageId
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.receipt import Receipt
from contracts.signed_bytes import SignedBytes
from hub.entrypoints.cli import transport
from hub.entrypoints.house import log_mapper
from hub.entrypoints.settings import LOG_KEK
from hub.infrastructure.key_files import KeyFiles
from hub.infrastructure.postgres.mapper import EventMapper
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.connection import KafkaConnection
from projections.kafka.follower import TopicFollower
from projections.kafka.positions import InputPosition, RawRecord
from tests.simulation.programme import PARTITIONS, Simulation

_TOO_LONG = 120.0


@dataclass
class HubRig:
    """`with HubRig(...) as rig`: a hub with the story's units admitted, as separate processes by role."""

    folder: Path
    dsn: str
    bootstrap: str
    roles: Sequence[str] = ("intake", "dispatch")
    simulation: Simulation = field(default_factory=Simulation)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        home = self.folder / "hub"
        (home / "keys").mkdir(parents=True, mode=0o700)
        self.address = self.folder / "bootstrap"
        self.address.write_text(self.bootstrap)
        KeyFiles(home / "keys").create(KeyUse.CHECKPOINTS)
        for use, key in ((KeyUse.MESSAGES, self.simulation.hub_key), (KeyUse.DELIVERIES, self.simulation.feed_key)):
            path = KeyFiles(home / "keys").folder / f"{use}.key"
            path.write_text(f'{{"key_id": "{key.key_id}", "seed": "{key.seed.hex()}"}}')
            path.chmod(0o600)
        envelope = to_envelope(self.simulation.signed_list, PayloadType.TRUST_LIST)
        (home / "trust-list-1.dsse.json").write_bytes(envelope)
        self.clock = self.folder / "clock"
        self.clock.write_text("2026-02-09T10:00:00+01:00")
        self.environment = os.environ | {
            "SPOJKA_HUB_HOME": str(home),
            "SPOJKA_HUB_DATABASE": self.dsn,
            "SPOJKA_HUB_BOOTSTRAP": f"file:{self.address}",
            "SPOJKA_HUB_CLOCK": f"file:{self.clock}",
            "SPOJKA_HUB_REHEARSAL": "true",
            "SPOJKA_HUB_PORT": "0",
        }
        try:
            self.command("migrate")
            self.command("transport", "database")
            self.environment["SPOJKA_HUB_DATABASE_USERS"] = str(self.users)
            for shard in range(self.simulation.directory.listed.shards):
                for role in self.roles:
                    self.start(role, name=role if shard == 0 else f"{role}-{shard}", shard=shard)
            self.command("trust-list", "publish")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.processes):
            self.stop(name)

    @property
    def users(self) -> Path:
        """The files of the database's users."""
        return self.folder / "hub" / transport.FOLDER / transport.DATABASE_USERS

    def mapper(self) -> EventMapper:
        """What reads the log's states."""
        return log_mapper(f"file:{self.folder / 'hub' / LOG_KEK}", advice="Run the command migrate.")

    def command(self, *arguments: str) -> str:
        """Run an operator's command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "hub.entrypoints", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_TOO_LONG,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, role: str, *, name: str | None = None, shard: int = 0) -> None:
        """Start a role in a process of its own."""
        self._run(name or role, "--role", role, shard=shard)

    def start_whole(self, name: str) -> None:
        """Start all roles in one process."""
        self._run(name)

    def _run(self, name: str, *arguments: str, shard: int = 0) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        command = [sys.executable, "-m", "hub.entrypoints", "run", *arguments]
        environment = self.environment | {"SPOJKA_HUB_SHARD": str(shard)}
        self.processes[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self.processes[name].kill()
        self.processes.pop(name).wait()

    def stop(self, name: str) -> int:
        """SIGTERM, and how it ended."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def pause(self, name: str) -> None:
        """SIGSTOP."""
        self.processes[name].send_signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT."""
        self.processes[name].send_signal(signal.SIGCONT)

    def moved(self, bootstrap: str) -> None:
        """The broker has another address now."""
        self.address.write_text(bootstrap)

    @property
    def connection(self) -> KafkaConnection:
        """To the broker, wherever it is now."""
        return KafkaConnection(bootstrap=self.address.read_text, client_id="test")

    def outgoing(self, signed: SignedBytes, key: str) -> OutgoingRecord:
        """A message as its unit's adapter sends it."""
        return OutgoingRecord(
            "hub.inbox", partition_of(key, PARTITIONS), key.encode(), signed.payload, tuple(to_headers(signed))
        )

    async def send(self, records: Sequence[OutgoingRecord]) -> None:
        """Send and wait for the broker."""
        async with BatchProducer(connection=self.connection) as producer:
            await producer.send(records)

    def log(self, query: str, *, shard: int = 0) -> list[tuple[object, ...]]:
        """Ask the hub's database."""
        with psycopg.connect(self.dsn, options=f"-c search_path=shard_{shard}") as connection:
            return connection.execute(query.encode()).fetchall()


class FeedEnd:
    """Reads a feed from its beginning and remembers everything; `until` awaits a condition."""

    def __init__(self, rig: HubRig, unit: str) -> None:
        self._rig = rig
        self._unit = unit
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self.records: list[FeedRecord] = []

    async def __aenter__(self) -> Self:
        follower = TopicFollower(
            connection=self._rig.connection,
            partitions=[
                TopicPartition(f"feed.{self._unit}", shard)
                for shard in range(self._rig.simulation.directory.listed.shards)
            ],
            positions=self._from_the_start,
            handle=self._keep,
        )
        self._task = asyncio.create_task(follower.run(self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._task

    async def _from_the_start(self) -> dict[TopicPartition, InputPosition]:
        return {}

    async def _keep(self, batch: Sequence[RawRecord]) -> None:
        self.records += [read(record.value or b"") for record in batch]
        self._changed.set()

    def receipts(self) -> dict[MessageId, Receipt]:
        """Receipts by message; the last where one came twice."""
        found = [document(record.signed, Receipt) for record in self.records if record.kind == "receipt"]
        return {one.id: one for one in found}

    async def receipts_of(self, wanted: Sequence[MessageId]) -> dict[MessageId, Receipt]:
        """Wait for the receipts of these messages."""
        async with asyncio.timeout(_TOO_LONG):
            while not set(wanted) <= set(self.receipts()):
                self._changed.clear()
                await self._changed.wait()
        return self.receipts()

    def delivered(self) -> list[MessageId]:
        """Messages given so far, in the feed's order."""
        return [
            parse(record.message.payload).id for record in self.records if record.kind == "delivery" and record.message
        ]

    async def deliveries_of(self, wanted: Sequence[MessageId]) -> list[MessageId]:
        """Wait until these messages were given."""
        async with asyncio.timeout(_TOO_LONG):
            while not set(wanted) <= set(self.delivered()):
                self._changed.clear()
                await self._changed.wait()
        return self.delivered()
