"""What sealing costs on real Kafka and PostgreSQL with fsync on: from desk to timeline, through the hub alone, for a new key, for an erasure."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from hashlib import sha256
from itertools import count

import psycopg

from contracts.categories import Category
from contracts.kafka_record import SEALED_KEY, to_headers
from contracts.messages.key import KeyDeposited
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import SubjectId, UnitId
from contracts.partition import partition_of
from contracts.sealing.content import seal_content
from contracts.sealing.content_key import ContentKey, KeyLabel, checked
from contracts.sealing.deposit import deposit
from contracts.sealing.release import open_release
from deploy.servers.errors import ServerError
from projections.kafka.batch_producer import OutgoingRecord
from tests.benchmarks import erasing_one
from tests.benchmarks.fresh_topics import fresh_topics
from tests.benchmarks.registry import Bench, Measurement, benchmark, benchmark_of
from tests.benchmarks.sealed_path import PARTS, pass_entries
from tests.benchmarks.workload import AT, payload_of, sign, subject
from tests.integration.hub_rig import HubRig
from tests.integration.key_rig import KeyRig
from tests.simulation.programme import DECIN, PARTITIONS, START, Simulation
from tests.simulation.sealed import SealedSimulation

_PATIENCE = 240.0
_YEAR = 400
_PER_CLIENT = 25
"""A consent and two dozen entries: what is said in a quarter about somebody who is helped."""
_MOST_CPU_MS = 2.0
_SCHOOL = UnitId("vz")
_WARM_UP = 2_000
_numbers, _turns = count(), count()


@benchmark_of(
    "sealing-end-to-end", goals={"sealing-end-to-end": 0.8, **dict.fromkeys(map("cpu-sealing-{}".format, PARTS))}
)
def end_to_end(bench: Bench) -> dict[str, Measurement]:
    """Recorded at one desk until the other's timeline shows the content, keys known on both sides; baseline: the same in clear.

    With it the CPU that each part takes, the key service among them, which is done only when it has read the log to its end.
    """
    entries, clients = (300, 20) if bench.smoke else (4_000, 100)
    made: list[Callable[[], Simulation]] = [Simulation, partial(SealedSimulation, deposit_days=_YEAR)]
    passed = {one: pass_entries(bench, one(), clients=clients, entries=entries) for one in _in_turn(bench, made)}
    clear, sealed = (passed[one] for one in made)
    cpu = {
        f"cpu-sealing-{part}": Measurement(
            value=sealed.cpu[part] / entries * 1000,
            unit="CPU s/1,000",
            baseline=clear.cpu[part] / entries * 1000,
            less_is_better=True,
        )
        for part in PARTS
    }
    return {"sealing-end-to-end": Measurement(value=sealed.rate, unit="messages/s", baseline=clear.rate), **cpu}


def _in_turn(bench: Bench, made: list[Callable[[], Simulation]]) -> list[Callable[[], Simulation]]:
    """Who goes first changes from run to run, and the broker was at work before the first: it gets faster for minutes."""
    number = next(_turns)
    if number == 0 and not bench.smoke:
        pass_entries(bench, Simulation(), clients=_WARM_UP // 20, entries=_WARM_UP)
    return made[:: 1 if number % 2 == 0 else -1]


@benchmark("sealing-through-hub")
def through_hub(bench: Bench) -> Measurement:
    """The hub alone under its heaviest load: composed, decided, given, a new key for each 25 messages released; baseline: the same in clear."""
    total = 500 if bench.smoke else 10_000
    clear = _rate(bench, Simulation(), total)
    return Measurement(value=_rate(bench, SealedSimulation(), total), unit="messages/s", baseline=clear)


@benchmark("sealing-first-delivery-cpu", goal=1.0)
def first_delivery(bench: Bench) -> Measurement:
    """CPU that a new key adds to a delivery: made, deposited, decided, taken, released, opened; baseline: the goal of 2 ms."""
    times = 20 if bench.smoke else 200
    hub = SealedSimulation()
    hub.clock.at = START + timedelta(days=10)
    clients = [subject(number) for number in range(times)]
    for client in clients:
        _consent(hub, client)
    _deliver_all(hub, clients, epoch=1)
    known = _cpu(lambda: _deliver_all(hub, clients, epoch=1))
    fresh = _cpu(lambda: _deliver_all(hub, clients, epoch=2))
    return Measurement(value=(fresh - known) / times * 1000, unit="ms", baseline=_MOST_CPU_MS, less_is_better=True)


@benchmark_of("sealing-erase-one", goals={"sealing-erase-one": 0.7}, runs=1)
def erase_one(bench: Bench) -> dict[str, Measurement]:
    """Milliseconds to erase one client among 100,000, with 200,000 entries; baseline: among 1,000, with 2,000."""
    few, many = (100, 1_000) if bench.smoke else (2_000, 200_000)
    small, large = erasing_one.milliseconds(bench, few, many)
    return {"sealing-erase-one": Measurement(value=large, unit="ms", baseline=small, less_is_better=True)}


def _rate(bench: Bench, simulation: Simulation, total: int) -> float:
    """Messages with content a second, from composing the first until the last is given and opens."""
    fresh_topics(bench)
    folder = bench.folder / f"sealing{next(_numbers)}"
    folder.mkdir()
    dsn = bench.postgres.create_database(folder.name)
    with HubRig(folder, dsn, bench.kafka.bootstrap, roles=(), simulation=simulation) as rig:
        rig.clock.write_text(AT.isoformat())
        keys = None
        if isinstance(simulation, SealedSimulation):
            keys = KeyRig(rig, bench.postgres.create_database(f"{folder.name}_keys"), simulation)
            keys.prepare()
        began = time.monotonic()
        records = _records(simulation, total)
        prepared = time.monotonic() - began
        asyncio.run(rig.send(records))
        if keys is not None:
            keys.start()
            _await_start(dsn)
        for role in ("intake", "dispatch"):
            rig.start(role)
        started = _wait(dsn, None, 2)
        ended = _wait(dsn, None if keys is None else keys.database, len(records))
    return total / (prepared + ended - started)


def _records(simulation: Simulation, total: int) -> list[OutgoingRecord]:
    """The load as its adapter sends it, with the deposits that it needs."""
    simulation.clock.at = AT
    said: list[tuple[SubjectId, bytes, bytes | None]] = []
    for number in range(total):
        client, first = subject(number // _PER_CLIENT), number % _PER_CLIENT == 0
        if not isinstance(simulation, SealedSimulation):
            said.append((client, payload_of(simulation, client, first=first), None))
            continue
        if first:
            key = ContentKey.generate()
        if number % _PER_CLIENT == 1:
            said.append(_deposit(simulation, client, key))
        said.append((client, seal_content(payload_of(simulation, client, first=first), key), None))
    signed = sign(simulation, [payload for _, payload, _ in said], batched=True)
    return [
        OutgoingRecord(
            "hub.inbox",
            partition_of(client, PARTITIONS),
            client.encode(),
            one.payload,
            (*to_headers(one), *(() if header is None else ((SEALED_KEY, header),))),
        )
        for (client, _, header), one in zip(said, signed, strict=True)
    ]


def _deposit(simulation: SealedSimulation, client: SubjectId, key: ContentKey) -> tuple[SubjectId, bytes, bytes]:
    scope = Category.SKILLS.value
    label = KeyLabel(DECIN, UnitId("op"), client, scope, 1)
    header = deposit(key, label, custodians=[simulation.deposit_key.sealing_key])
    facts = KeyDeposited(key_id=key.key_id, scope=scope, epoch=1, deposit_hash=sha256(header).hexdigest())
    return client, simulation.unsigned("op", facts, subject=client)[1], header


def _wait(dsn: str, keys: str | None, wanted: int) -> float:
    """When so much was decided and given, and every release was produced."""
    deadline = time.monotonic() + _PATIENCE
    with psycopg.connect(dsn, autocommit=True, options="-c search_path=shard_0") as hub:
        while time.monotonic() < deadline:
            row = hub.execute("SELECT (SELECT position FROM head), (SELECT produced FROM relay)").fetchone()
            if row is not None and row[0] >= wanted and (wanted <= 2 or row[1] >= wanted) and _released(keys, wanted):
                return time.monotonic()
            time.sleep(0.02)
    raise ServerError(f"{wanted} messages were not given within {_PATIENCE} s")


def _await_start(dsn: str) -> None:
    """Until the key service listens to the log: starting is no part of the rate."""
    deadline = time.monotonic() + _PATIENCE
    with psycopg.connect(dsn, autocommit=True) as hub:
        while time.monotonic() < deadline:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'spojka-listener-0' AND datname = current_database()"
            row = hub.execute(query).fetchone()
            if row is not None and row[0]:
                return
            time.sleep(0.02)
    raise ServerError("the key service did not start")


def _released(keys: str | None, wanted: int) -> bool:
    if keys is None:
        return True
    with psycopg.connect(keys, autocommit=True, options="-c search_path=shard_0") as connection:
        row = connection.execute(
            "SELECT (SELECT position FROM state) >= %s AND NOT EXISTS (SELECT FROM release WHERE NOT produced)",
            [wanted],
        ).fetchone()
    return bool(row and row[0])


def _consent(hub: SealedSimulation, client: SubjectId) -> None:
    (signed,) = sign(hub, [payload_of(hub, client, first=True)], batched=False)
    hub.take([hub.record(signed, client)])


def _deliver_all(hub: SealedSimulation, clients: Sequence[SubjectId], *, epoch: int) -> None:
    """An entry about each, under the key of an epoch, until the recipient can open it."""
    content = NeedContent(finding="x" * 500)
    for client in clients:
        before = len(hub.produced.get(_SCHOOL, ()))
        hub.seal("op", NeedAssessed(dimension="skills"), content, category=Category.SKILLS, subject=client, epoch=epoch)
        hub.serve()
        for release in hub.produced[_SCHOOL][before:]:
            checked(open_release(release, hub.encryption[_SCHOOL]), release.key_id)


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before
