"""Intake to log on real Kafka and PostgreSQL with fsync on: one intake process against the bare pipe and against the libraries' stock path.

The stock path does the same job: the same records from the same topic, of the same clients, by the libraries' defaults (see `stock_path`). It takes
the first of them, whole clients; all would be minutes. Beside it, without a goal: the same with the library's own memory of aggregates switched on,
and a bare save, which leaves out broker and loading.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import count

import psycopg
from psycopg.conninfo import conninfo_to_dict

from contracts.keys import VerifyingKey
from deploy.servers.errors import ServerError
from tests.benchmarks.fresh_topics import fresh_topics
from tests.benchmarks.registry import Bench, Measurement, benchmark, benchmark_of
from tests.benchmarks.stock_path import CACHED, bare_save_rate
from tests.benchmarks.workload import AT, Keyed, workload
from tests.integration.hub_rig import HubRig
from tests.simulation.programme import Simulation

_PATIENCE = 120.0
_numbers = count()


@benchmark("intake-each-signed", goal=0.3)
def each_signed(bench: Bench) -> Measurement:
    """Messages signed one by one; baseline: the bare pipe."""
    return _against_bare_pipe(bench, 3_000 if bench.smoke else 30_000, batched=False)


@benchmark("intake-batch-signed", goal=0.3)
def batch_signed(bench: Bench) -> Measurement:
    """Messages signed 256 at a time; baseline: the bare pipe on the same."""
    return _against_bare_pipe(bench, 3_000 if bench.smoke else 60_000, batched=True)


@benchmark_of(
    "intake-against-stock",
    goals={"intake-against-stock": 10.0, "intake-against-cached-stock": None, "intake-against-bare-save": None},
)
def against_stock(bench: Bench) -> dict[str, Measurement]:
    """Messages signed one by one; baselines: one library commit with tracking per message, of the whole job and of less."""
    simulation, messages = _load(3_000 if bench.smoke else 20_000, batched=False)
    rate = _intake_rate(bench, simulation, messages)
    sample = 100 if bench.smoke else 1_000
    key = simulation.units["op"].key.verifying_key
    bare = bare_save_rate([one.signed for one in messages[:sample]], key, settings=_library(bench))
    baselines = {
        "stock": _stock_rate(bench, key, sample, {}),
        "cached-stock": _stock_rate(bench, key, sample, CACHED),
        "bare-save": bare,
    }
    return {
        f"intake-against-{name}": Measurement(value=rate, unit="messages/s", baseline=baseline)
        for name, baseline in baselines.items()
    }


@lru_cache(maxsize=1)
def _load(total: int, *, batched: bool) -> tuple[Simulation, Sequence[Keyed]]:
    """The same messages in every run: signing them takes longer than a run."""
    simulation = Simulation()
    return simulation, workload(simulation, total, batched=batched)


def _against_bare_pipe(bench: Bench, total: int, *, batched: bool) -> Measurement:
    simulation, messages = _load(total, batched=batched)
    rate = _intake_rate(bench, simulation, messages)
    return Measurement(value=rate, unit="messages/s", baseline=_bare_rate(bench, simulation, messages))


def _intake_rate(bench: Bench, simulation: Simulation, messages: Sequence[Keyed]) -> float:
    """Messages a second from the first commit of the load to its last, one intake process running alone."""
    fresh_topics(bench)
    folder = bench.folder / f"intake{next(_numbers)}"
    folder.mkdir()
    dsn = bench.postgres.create_database(folder.name)
    with HubRig(folder, dsn, bench.kafka.bootstrap, roles=(), simulation=simulation) as rig:
        rig.clock.write_text(AT.isoformat())
        asyncio.run(rig.send([rig.outgoing(one.signed, one.key) for one in messages]))
        rig.start("intake")
        intake = rig.processes["intake"]
        started, first = _await_position(dsn, 2, intake)
        ended, last = _await_position(dsn, len(messages) + 1, intake)
    return (last - first) / (ended - started)


def _bare_rate(bench: Bench, simulation: Simulation, messages: Sequence[Keyed]) -> float:
    """The same records, still on the topic, through the bare pipe."""
    dsn = bench.postgres.create_database(f"bare{next(_numbers)}")
    key = simulation.units["op"].key
    records = [*messages]
    fresh_topics(bench)
    with _sender(bench, simulation, dsn) as rig:
        asyncio.run(rig.send([rig.outgoing(one.signed, one.key) for one in records]))
    command = [sys.executable, "-m", "tests.benchmarks.bare_pipe", bench.kafka.bootstrap, dsn]
    done = subprocess.run(
        [*command, key.public_bytes.hex(), key.key_id, str(len(records))], check=True, capture_output=True, text=True
    )
    return len(records) / float(done.stdout)


@contextmanager
def _sender(bench: Bench, simulation: Simulation, dsn: str) -> Iterator[HubRig]:
    """A rig without a hub, for its producer alone."""
    rig = HubRig(bench.folder / f"sender{next(_numbers)}", dsn, bench.kafka.bootstrap, simulation=simulation)
    rig.folder.mkdir()
    rig.address = rig.folder / "bootstrap"
    rig.address.write_text(bench.kafka.bootstrap)
    yield rig


def _await_position(dsn: str, wanted: int, intake: subprocess.Popen[bytes]) -> tuple[float, int]:
    """When the log had reached this position, and where it stood then."""
    deadline = time.monotonic() + _PATIENCE
    with psycopg.connect(dsn, autocommit=True, options="-c search_path=shard_0") as connection:
        while time.monotonic() < deadline:
            found = connection.execute("SELECT position FROM head").fetchone()
            if found is not None and found[0] >= wanted:
                return time.monotonic(), int(found[0])
            if intake.poll() is not None:
                break
            connection.execute("SELECT pg_sleep(0.01)")
    raise ServerError(f"the log did not reach position {wanted}: intake ended, or takes longer than {_PATIENCE} s")


def _stock_rate(bench: Bench, key: VerifyingKey, count: int, settings: dict[str, str]) -> float:
    """The same records, still on the topic, by the stock path; a group of its own each time."""
    command = [sys.executable, "-m", "tests.benchmarks.stock_path", bench.kafka.bootstrap]
    done = subprocess.run(
        [*command, f"stock{next(_numbers)}", key.public_bytes.hex(), key.key_id, str(count)],
        env=os.environ | _library(bench) | settings,
        check=True,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
    )
    return float(done.stdout)


def _library(bench: Bench) -> dict[str, str]:
    """A database of its own, in the library's settings."""
    parts = conninfo_to_dict(bench.postgres.create_database(f"stock{next(_numbers)}"))
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_PORT": str(parts.get("port", "5432")),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": str(parts.get("password") or "none"),
    }
