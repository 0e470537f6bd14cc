"""Memory: the hub with 100,000 clients touched, an adapter that took over 100,000 rows; within their limits, and flat.

The hub runs all its roles in one process. The adapter is two processes, of which the larger counts: the import, and the running adapter beside it.
Figures are the most that was ever seen resident, ten looks a second; growth compares the end with halfway.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count, islice, product
from pathlib import Path

import psutil

from adapters.drafts import ClientKey
from adapters.process.unit_house import UnitHouse
from contracts.names import UnitId
from deploy.servers.errors import ServerError
from tests.benchmarks.fresh_topics import fresh_topics
from tests.benchmarks.registry import Bench, Measurement, benchmark_of
from tests.benchmarks.workload import AT, workload
from tests.integration.hub_rig import HubRig
from tests.integration.unit_home import make_home, take_consents
from tests.simulation.programme import Simulation

_SUBJECTS, _SMOKE_SUBJECTS = 100_000, 1_000
_ROWS, _SMOKE_ROWS = 100_000, 1_000
_HUB_LIMIT, _ADAPTER_LIMIT = 300.0, 150.0
"""MiB."""
_FLAT = 0.9
_OP, _VZ = UnitId("op"), UnitId("vz")
_DAYS = 30
_PATIENCE = 400.0
_LOOK_EVERY = 0.1
_HEADERS = "Číslo případu;Datum;Služba;Hodin;Výsledek;Poznámka;Změněno;Smazáno"
_numbers = count()


@benchmark_of("memory-hub", goals={"memory-hub": 1.0, "memory-hub-growth": _FLAT}, runs=1)
def hub(bench: Bench) -> dict[str, Measurement]:
    """All roles of the hub in one process, each message about another client; baseline: the limit."""
    subjects = _SMOKE_SUBJECTS if bench.smoke else _SUBJECTS
    simulation = Simulation()
    messages = workload(simulation, subjects, batched=True, per_client=1)
    fresh_topics(bench)
    folder = bench.folder / f"memory{next(_numbers)}"
    folder.mkdir()
    database = bench.postgres.create_database(folder.name)
    with HubRig(folder, database, bench.kafka.bootstrap, roles=(), simulation=simulation) as rig:
        rig.clock.write_text(AT.isoformat())
        rig.start_whole("hub")
        seen = _Resident(rig.processes["hub"])

        def relayed() -> int:
            return int(str(rig.log("SELECT least(position, (SELECT produced FROM relay)) FROM head")[0][0]))

        half = len(messages) // 2
        asyncio.run(rig.send([rig.outgoing(one.signed, one.key) for one in messages[:half]]))
        _await(lambda: relayed() >= half, [seen])
        halfway = seen.mebibytes
        asyncio.run(rig.send([rig.outgoing(one.signed, one.key) for one in messages[half:]]))
        _await(lambda: relayed() >= len(messages), [seen])
        return _rows("memory-hub", seen, halfway=halfway, limit=_HUB_LIMIT)


@benchmark_of("memory-adapter", goals={"memory-adapter": 1.0, "memory-adapter-growth": _FLAT}, runs=1)
def adapter(bench: Bench) -> dict[str, Measurement]:
    """A folder of CSV files imported beside the running adapter, all of it signed and queued; baseline: the limit."""
    rows = _SMOKE_ROWS if bench.smoke else _ROWS
    fresh_topics(bench)
    folder = bench.folder / f"memory{next(_numbers)}"
    export = folder / "export"
    export.mkdir(parents=True)
    clients = _write_export(export / "sluzby.csv", rows)
    clock = folder / "clock"
    clock.write_text(AT.isoformat())
    home = folder / "home"
    settings = make_home(home, _OP, simulation=Simulation(), bootstrap=bench.kafka.bootstrap, clock=clock)
    house = UnitHouse.open(settings, _OP)
    take_consents(house.desk, clients, (_OP, _VZ))
    overviews = house.overviews()

    def shown() -> int:
        with overviews.look() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM timeline_entry").scalar_one())

    arguments = [str(export), "--mapping", "example", "--unit", _OP, "--json", "--home", str(home)]
    with _adapter("run", "--home", str(home)) as running, _adapter("import", *arguments) as importing:
        _await(lambda: shown() >= rows // 2, [running, importing])
        halfway = {one: one.mebibytes for one in (running, importing)}
        _await(lambda: shown() >= rows, [running, importing])
    overviews.close()
    house.close()
    larger = max(running, importing, key=lambda one: one.peak)
    return _rows("memory-adapter", larger, halfway=halfway[larger], limit=_ADAPTER_LIMIT)


class _Resident:
    """A process, and how much of it was in memory each time that somebody looked."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.mebibytes = self.peak = 0.0

    def look(self) -> None:
        """Note what is resident now; one that has ended keeps its last figure."""
        if self.process.poll() is None:
            self.mebibytes = psutil.Process(self.process.pid).memory_info().rss / 2**20
            self.peak = max(self.peak, self.mebibytes)


def _rows(name: str, seen: _Resident, *, halfway: float, limit: float) -> dict[str, Measurement]:
    return {
        name: Measurement(value=seen.peak, unit="MiB", baseline=limit, less_is_better=True),
        f"{name}-growth": Measurement(value=seen.mebibytes, unit="MiB", baseline=halfway, less_is_better=True),
    }


def _await(condition: Callable[[], bool], watched: Sequence[_Resident]) -> None:
    """Wait for a condition, and look at the processes meanwhile; one that failed is told at once."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        for one in watched:
            one.look()
            if one.process.poll():
                raise ServerError(f"{one.process.args!r} ended with {one.process.returncode}")
        if time.monotonic() > deadline:
            raise ServerError("not done in time")
        time.sleep(_LOOK_EVERY)
    for one in watched:
        one.look()


@contextmanager
def _adapter(*arguments: str) -> Iterator[_Resident]:
    command = [sys.executable, "-c", "from adapters.commands import main; main()", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield _Resident(process)
        process.terminate()


def _write_export(file: Path, rows: int) -> list[ClientKey]:
    """Services, one a client and day; returns the clients."""
    days = [date(2026, 1, 2) + timedelta(days=number) for number in range(_DAYS)]
    clients = [ClientKey(f"2026/{number}") for number in range(-(-rows // _DAYS))]
    lines = (
        f"{client};{day.day}. {day.month}. {day.year};kurz;1,5;;{'Poznámka ' * 20};;"
        for client, day in islice(product(clients, days), rows)
    )
    file.write_text("\n".join([_HEADERS, *lines, ""]), encoding="utf-8")
    return clients
