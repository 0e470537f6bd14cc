"""CPU seconds per 1,000 messages, stage by stage: where a machine's time goes. No goals: the ratios beside say what is fast enough.

Each stage runs alone in this process, over real databases with fsync on; PostgreSQL's own time counts with the stage that asks for it.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path
from typing import TypeVar

from adapters.drafts import ClientKey
from adapters.exchange.feed_chain import Recipient
from adapters.exchange.feed_intake import FeedIntake
from adapters.exchange.publisher import Publisher
from adapters.process.unit_house import UnitHouse
from adapters.storage.outbox import MAX_IN_FLIGHT
from contracts.categories import Category
from contracts.kafka_record import to_headers
from contracts.names import UnitId
from contracts.partition import partition_of
from hub.application.feed_voice import FeedValue, FeedVoice
from hub.application.intake import Intake
from hub.application.relay import Relay
from hub.application.verification import Verifier
from hub.infrastructure.postgres.migrate import migrate
from hub.infrastructure.postgres.relay_store import PostgresRelayStore
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from projections.kafka.batch_producer import OutgoingRecord, SentAt
from projections.kafka.positions import RawRecord
from tests.benchmarks.registry import Bench, Measurement, benchmark_of
from tests.benchmarks.workload import AT, Keyed, workload
from tests.integration.unit_home import make_home, take_consents
from tests.simulation.programme import DECIN, PARTITIONS, Simulation

_OP, _VZ = UnitId("op"), UnitId("vz")
_STAGES = ("verify", "decide", "commit", "relay", "adapter-record", "adapter-publish", "adapter-take-in")
_MESSAGES, _SMOKE_MESSAGES = 5_000, 500
_CHUNK = 500
_CLIENTS = 20
_TEXT = "x" * 560
_numbers = count()
_ResultT = TypeVar("_ResultT")


class _Meter:
    """CPU seconds by stage: this process's, and that of the database session at work."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(_STAGES, 0.0)
        self.messages = dict.fromkeys(_STAGES, 0)

    def count(
        self, stage: str, messages: int, work: Callable[[], _ResultT], *, session: WriterSession | None = None
    ) -> _ResultT:
        """Do the work and count what it cost."""
        before = time.process_time() + _server_seconds(session)
        result = work()
        self.seconds[stage] += time.process_time() + _server_seconds(session) - before
        self.messages[stage] += messages
        return result

    def rows(self) -> dict[str, Measurement]:
        """A figure for each stage."""
        return {
            f"cpu-{stage}": Measurement(
                value=self.seconds[stage] / self.messages[stage] * 1000, unit="CPU s/1,000", less_is_better=True
            )
            for stage in _STAGES
        }


@benchmark_of("cpu", goals={f"cpu-{stage}": None for stage in _STAGES})
def cpu_by_stage(bench: Bench) -> dict[str, Measurement]:
    """Messages signed one by one, from one unit's desk to the other's timeline."""
    total = _SMOKE_MESSAGES if bench.smoke else _MESSAGES
    folder = bench.folder / f"stages{next(_numbers)}"
    folder.mkdir()
    meter, simulation = _Meter(), Simulation()
    messages = workload(simulation, total, batched=False)
    database = bench.postgres.create_database(folder.name)
    migrate(database, 0)
    shard = ShardDatabase(database, 0)
    _take(meter, simulation, shard, messages)
    values = _relay(meter, simulation, shard, total)
    clock = folder / "clock"
    clock.write_text(AT.isoformat())
    with _house(folder, _OP, simulation, clock) as house:
        _publish(meter, house)
    with _house(folder, _VZ, simulation, clock) as house:
        _take_in(meter, house, [value.value for value in values if value.unit == _VZ])
    return meter.rows()


def _take(meter: _Meter, simulation: Simulation, shard: ShardDatabase, messages: Sequence[Keyed]) -> None:
    """Verify, decide and commit, as the writer does with a full poll."""
    session = WriterSession(shard, Role.WRITER)
    intake = Intake(PostgresWriterStore(session), simulation.programme, simulation.clock)
    intake.take_over()
    verifier = Verifier(shard=0, partitions=PARTITIONS)
    for part in _chunks([_inbox_record(number, one) for number, one in enumerate(messages)]):
        at = intake.now()
        check = partial(verifier.check_all, part, intake.directory, at)
        verified = meter.count("verify", len(part), check)
        decided = meter.count("decide", len(part), partial(intake.decide, verified, part, at=at), session=session)
        meter.count("commit", len(part), partial(intake.write, decided), session=session)
    session.close()


def _relay(meter: _Meter, simulation: Simulation, shard: ShardDatabase, total: int) -> list[FeedValue]:
    """Deliveries and receipts of everything in the log, without the broker."""
    session = WriterSession(shard, Role.RELAY)
    store = PostgresRelayStore(session)
    relay = Relay(store, simulation.programme, FeedVoice(DECIN, simulation.feed_key), simulation.clock)
    relay.take_over()
    values: list[FeedValue] = []

    def step() -> bool:
        outgoing = relay.step()
        if outgoing is not None:
            values.extend(outgoing.values)
            relay.produced(outgoing)
        return outgoing is not None

    def steps() -> None:
        while step():
            pass

    meter.count("relay", total, steps, session=session)
    session.close()
    return values


def _publish(meter: _Meter, house: UnitHouse) -> None:
    """A worker records entries one by one; the publisher sends them, to a broker that costs nothing."""
    clients = [ClientKey(f"case-{number}") for number in range(_CLIENTS)]
    take_consents(house.desk, clients, (_OP, _VZ))
    asked = list(islice(cycle(clients), MAX_IN_FLIGHT - _CLIENTS))
    meter.count(
        "adapter-record",
        len(asked),
        lambda: [house.desk.assess_need(client, Category.SKILLS, finding=_TEXT) for client in asked],
    )
    publisher = Publisher(store=house.store, sender=_NoBroker(), partitions=lambda: PARTITIONS, clock=house.clock)

    async def send() -> None:
        while await publisher.step():
            pass

    meter.count("adapter-publish", MAX_IN_FLIGHT, lambda: asyncio.run(send()))


def _take_in(meter: _Meter, house: UnitHouse, values: Sequence[bytes]) -> None:
    """The feed into the journal, and from there into timeline, worklist and grounds."""
    intake = FeedIntake(store=house.store, recipient=Recipient(DECIN, house.unit), book=house.book, clock=house.clock)
    overviews = house.overviews()
    records = [RawRecord("feed.vz", 0, number, "broker", b"vz", value, (), 0) for number, value in enumerate(values)]

    def take() -> None:
        for part in _chunks(records):
            intake.take(part)
            overviews.bring_up_to_date()

    meter.count("adapter-take-in", len(records), take)
    overviews.close()


class _NoBroker:
    """Stores everything at once, nowhere."""

    def __init__(self) -> None:
        self._offset = 0

    async def send(self, records: Sequence[OutgoingRecord]) -> list[SentAt]:
        """As `BatchProducer.send`."""
        self._offset += len(records)
        first = self._offset - len(records)
        return [SentAt(one.topic, one.partition, first + number, "broker") for number, one in enumerate(records)]


@contextmanager
def _house(folder: Path, unit: UnitId, simulation: Simulation, clock: Path) -> Iterator[UnitHouse]:
    settings = make_home(folder / unit, unit, simulation=simulation, bootstrap="nowhere:9092", clock=clock)
    house = UnitHouse.open(settings, unit)
    try:
        yield house
    finally:
        house.close()


def _inbox_record(number: int, one: Keyed) -> RawRecord:
    key = one.key.encode()
    headers = tuple(to_headers(one.signed))
    return RawRecord("hub.inbox", partition_of(key, PARTITIONS), number, "broker", key, one.signed.payload, headers, 0)


def _chunks(records: Sequence[RawRecord]) -> Iterator[Sequence[RawRecord]]:
    return (records[start : start + _CHUNK] for start in range(0, len(records), _CHUNK))


def _server_seconds(session: WriterSession | None) -> float:
    """CPU seconds of the server process behind a session so far (Linux's /proc, stat: fields 14 and 15)."""
    if session is None:
        return 0.0
    with session.use() as connection:
        stat = Path(f"/proc/{connection.info.backend_pid}/stat").read_text(encoding="ascii")
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
