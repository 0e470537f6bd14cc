"""The whole path from one unit's desk to another's timeline, everything in processes of its own, sealed or in clear: how fast, and who computes."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil
import psycopg

from adapters.drafts import ClientKey
from adapters.process.overviews import FILE
from adapters.process.unit_databases import UnitDatabases
from adapters.settings import unit_folder
from contracts.names import UnitId
from deploy.servers.errors import ServerError
from tests.benchmarks.fresh_topics import fresh_topics
from tests.benchmarks.registry import Bench
from tests.faults.district import OP, VZ, District, until
from tests.faults.mortal_broker import MortalKafka
from tests.integration.key_rig import KeyRig
from tests.integration.unit_home import take_consents
from tests.simulation.programme import Simulation
from tests.simulation.sealed import SealedSimulation

PARTS = ("desk", "op", "intake", "dispatch", "keys", "vz", "postgres", "kafka")
"""Who computes: the process that records, the author's adapter, two of the hub, its key service, the recipient's adapter, two servers."""

_PATIENCE = 150.0
_LOOK_EVERY = 0.05
_SERVERS = {"postgres": "postgres", "java": "kafka"}
_numbers = count()


@dataclass(frozen=True, slots=True)
class Passed:
    """So many entries a second, and the CPU seconds that each part took for all of them."""

    rate: float
    cpu: Mapping[str, float]


def pass_entries(bench: Bench, simulation: Simulation, *, clients: int, entries: int) -> Passed:
    """Record entries as fast as the desk takes them, until the other unit's timeline shows the content of each.

    Each client has a consent and an entry beforehand, so all processes are warm and all keys were released: keys do not change with each entry.
    """
    fresh_topics(bench)
    folder = bench.folder / f"sealedpath{next(_numbers)}"
    folder.mkdir()
    dsn = bench.postgres.create_database(folder.name)
    names = [ClientKey(f"case-{number}") for number in range(clients)]
    with District(folder, dsn, MortalKafka(bench.kafka), clients=names, speed=1.0, simulation=simulation) as district:
        keys = None
        if isinstance(simulation, SealedSimulation):
            keys = KeyRig(district.hub, bench.postgres.create_database(f"{folder.name}_keys"), simulation)
            keys.prepare()
            keys.start()
        take_consents(district.houses[OP].desk, names, (OP, VZ))
        shown = unit_folder(district.homes[VZ].home, VZ)
        asyncio.run(until((shown / FILE).exists))
        with _desk(district, clients) as desk:
            _start(desk)
            _await(shown, clients)
        with _desk(district, entries) as desk:
            before = _cpu_times(district)
            began = time.monotonic()
            _start(desk)
            _await(shown, clients + entries)
            _await_keys(dsn, keys)
            passed = time.monotonic() - began
            after = _cpu_times(district)
            at_desk = float(desk.communicate()[0])
        asyncio.run(until(district.settled))
    cpu = {part: after.get(part, 0.0) - before.get(part, 0.0) for part in PARTS} | {"desk": at_desk}
    return Passed(entries / passed, cpu)


@contextmanager
def _desk(district: District, entries: int) -> Iterator[subprocess.Popen[str]]:
    arguments = [str(district.homes[OP].home), OP, ",".join(district.clients), str(entries)]
    command = [sys.executable, "-m", f"{__package__}.import_desk", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or not process.stdout.readline():
            raise ServerError("the desk did not open")
        yield process


def _start(desk: subprocess.Popen[str]) -> None:
    assert desk.stdin is not None
    desk.stdin.write("\n")
    desk.stdin.flush()


def _await(folder: Path, wanted: int) -> None:
    """Until the timeline shows the content of so many entries."""
    connection = UnitDatabases.as_they_lie(folder, UnitId(folder.name)).look_into("overviews")
    deadline = time.monotonic() + _PATIENCE
    query = "SELECT count(*) FROM timeline_entry WHERE type = 'eu.spojka.need.assessed.v1' AND content IS NOT NULL"
    version, found = None, 0
    while found < wanted:
        if time.monotonic() > deadline:
            raise ServerError(f"{found} of {wanted} entries were shown within {_PATIENCE} s")
        seen = connection.execute("PRAGMA data_version").fetchone()
        if seen != version:
            version, found = seen, connection.execute(query).fetchone()[0]
        time.sleep(_LOOK_EVERY)
    connection.close()


def _await_keys(dsn: str, keys: KeyRig | None) -> None:
    """Until the key service has read the log to where it ends now: its work belongs to the run."""
    if keys is None:
        return
    with psycopg.connect(dsn, options="-c search_path=shard_0") as hub:
        head = hub.execute("SELECT position FROM head").fetchone()
    deadline = time.monotonic() + _PATIENCE
    with keys.store() as store:
        while head is None or store.state().position < head[0]:
            if time.monotonic() > deadline:
                raise ServerError(f"the key service did not catch up within {_PATIENCE} s")
            time.sleep(_LOOK_EVERY)


def _cpu_times(district: District) -> dict[str, float]:
    """CPU seconds so far of each part that is at work; a server's with all that it forked."""
    found = {name: _seconds(psutil.Process(process.pid)) for name, process in district.hub.processes.items()}
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # PostgreSQL's helpers come and go; their parent counts those that went
            part = _SERVERS.get(child.name())
            if part is not None:
                found[part] = found.get(part, 0.0) + _seconds(child)
    return found


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
