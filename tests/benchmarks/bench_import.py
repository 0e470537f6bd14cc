"""Importing CSV rows at a unit's desk: against the bare way of doing it, with the memory that it takes, and with live referrals beside it.

The rate is that of a process that does nothing else. For memory and live referrals the baseline is the limit that must hold, so a ratio of 1 or more
is within it; both come from one import of half a million rows, measured once a run of the benchmarks.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import count
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Final

from adapters.drafts import ClientKey
from contracts.categories import Category
from tests.benchmarks.import_load import CLIENTS, DATABASE, UP, desk_in, take_consents, write_rows
from tests.benchmarks.registry import Bench, Measurement, benchmark
from tests.simulated_hub import NOON

MEMORY_LIMIT: Final = 150.0
"""MiB of an adapter (what must hold for a volunteer's machine)."""
LATENCY_LIMIT: Final = 1000.0
"""Milliseconds of p99, from a worker's word to the referral standing in front of what waits in bulk."""
_ROWS, _SMOKE_ROWS, _MANY = 20_000, 1_000, 500_000
_BETWEEN: Final = 0.1
_numbers = count()


@benchmark("import-csv", goal=0.3)
def rate(bench: Bench) -> Measurement:
    """Rows a second, judged, signed and queued; baseline: CSV reading, pydantic validation of the message, one SQLite transaction per 500 rows."""
    rows = _SMOKE_ROWS if bench.smoke else _ROWS
    folder = _folder(bench, rows)
    bare = _run("bare", folder, rows)
    imported = _run("import", folder, rows)
    return Measurement(value=rows / imported.seconds, unit="rows/s", baseline=rows / bare.seconds)


@benchmark("import-csv-memory", goal=1.0)
def memory(bench: Bench) -> Measurement:
    """Peak of resident memory over half a million rows; baseline: the limit."""
    peak, _ = _beside_live_work(bench)
    return Measurement(value=peak, unit="MiB", baseline=MEMORY_LIMIT, less_is_better=True)


@benchmark("import-csv-live-p99", goal=1.0)
def live(bench: Bench) -> Measurement:
    """p99 of recording a live referral while half a million rows go by; baseline: the limit."""
    _, latencies = _beside_live_work(bench)
    p99 = sorted(latencies)[max(0, -(-len(latencies) * 99 // 100) - 1)]
    return Measurement(value=p99 * 1000, unit="ms", baseline=LATENCY_LIMIT, less_is_better=True)


@dataclass(frozen=True, slots=True)
class _Done:
    seconds: float
    peak: float


def _folder(bench: Bench, rows: int) -> Path:
    folder = bench.folder / f"import{next(_numbers)}"
    folder.mkdir()
    write_rows(folder, rows)
    shutil.copy(_consented(bench) / DATABASE, folder / DATABASE)
    return folder


@cache
def _consented(bench: Bench) -> Path:
    """A unit whose clients have all given their consent, made once."""
    folder = bench.folder / "consented"
    folder.mkdir()
    desk = desk_in(folder)
    take_consents(desk, CLIENTS)
    desk.store.close()
    return folder


def _command(way: str, folder: Path, rows: int) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.import_load", way, str(folder), str(rows)]


def _run(way: str, folder: Path, rows: int) -> _Done:
    done = subprocess.run(_command(way, folder, rows), check=True, capture_output=True, text=True)
    return _Done(**json.loads(done.stdout))


@cache
def _beside_live_work(bench: Bench) -> tuple[float, Sequence[float]]:
    """The import's peak of memory, and how long each live referral took meanwhile."""
    rows = _SMOKE_ROWS if bench.smoke else _MANY
    folder = _folder(bench, rows)
    desk = desk_in(folder)
    latencies: list[float] = []
    never = Event()
    importing = subprocess.Popen(_command("import", folder, rows), stdout=subprocess.PIPE, text=True)
    while importing.poll() is None:
        started = perf_counter()
        client = ClientKey(f"c-{len(latencies) % CLIENTS}")
        desk.refer(client, Category.HOUSING, target=UP, answer_due=NOON + timedelta(days=10))
        latencies.append(perf_counter() - started)
        never.wait(_BETWEEN)
    output, _ = importing.communicate()
    desk.store.close()
    if importing.returncode:
        raise RuntimeError("the import failed")
    return _Done(**json.loads(output)).peak, latencies
