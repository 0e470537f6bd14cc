"""What an auditor waits for, and what the ledger costs the hub.

Each message has a signature of its own. The bare work is the sum of the Ed25519 and SHA-256 work that nobody can spare an auditor (signature,
stored state, leaf, inner node), measured alone on one processor over a sample of the same rows; `verify` runs on all processors. Memory is what the
processes of a verification have resident together, shared pages counted once; growth is of what lies in no file (49 bytes an event do).
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from contracts.ledger import checkpoint, signed_note
from contracts.ledger.entry import leaf_of
from contracts.merkle import node_hash
from contracts.names import SubjectId
from contracts.pae import PayloadType
from deploy.servers.errors import ServerError
from hub.audit.replay import replay
from hub.audit.stored_events import event_of
from hub.audit.verification_work import prepared
from hub.domain.events import MessageAccepted
from tests.benchmarks.audit_load import Load, export_of, kept_export
from tests.benchmarks.fresh_topics import fresh_topics
from tests.benchmarks.registry import Bench, Measurement, benchmark_of
from tests.benchmarks.workload import AT, subject, workload
from tests.integration.hub_rig import HubRig
from tests.simulation.exported import POLICY
from tests.simulation.programme import Simulation

_CLIENTS, _SMOKE, _FULL = 10_000, 300, 100_000
_SAMPLE = 10_000
_ASKED = 50
_LIMIT = 500.0
"""MiB."""
_MAY_COST = 15.0
"""Per cent."""
_PATIENCE = 180.0
_LOOK_EVERY = 0.5
_numbers = count()


@benchmark_of(
    "audit-verify",
    goals={
        "audit-verify": 0.7,
        "audit-verify-per-processor": None,
        "audit-verify-memory": 1.0,
        "audit-verify-growth": 0.9,
        "audit-replay-one": 1.0,
    },
    runs=1,
)
def verify(bench: Bench) -> dict[str, Measurement]:
    """`spojka-audit verify` of a whole export, and the replay of one of its clients against reading the export through."""
    folder = bench.folder / f"audit{next(_numbers)}"
    folder.mkdir()
    clients = _SMOKE if bench.smoke else _FULL if bench.full else _CLIENTS
    load = export_of(folder / "export", clients) if bench.keep is None else kept_export(bench.keep, clients)
    (folder / "policy").write_text(POLICY)
    bare = _bare_rate(load)
    seen = _Resident()
    seconds = _verified(folder, load, seen)
    rate, processors = load.rows / seconds, psutil.cpu_count() or 1
    return {
        "audit-verify": Measurement(value=rate, unit="events/s", baseline=bare),
        "audit-verify-per-processor": Measurement(value=rate / processors, unit="events/s", baseline=bare),
        "audit-verify-memory": Measurement(value=seen.peak, unit="MiB", baseline=_LIMIT, less_is_better=True),
        "audit-verify-growth": Measurement(value=seen.later, unit="MiB", baseline=seen.earlier, less_is_better=True),
        "audit-replay-one": _replayed(load),
    }


def _bare_rate(load: Load) -> float:
    """Rows a second of nothing but their signatures and hashes, one after the other."""
    directory = prepared(load.bundle).timeline.newest
    rows = (row for group in load.bundle.groups() for row in load.bundle.rows(group.place))
    work = []
    for row in islice(rows, _SAMPLE):
        event = event_of(row)
        known = directory.key(event.message.key_id) if directory and isinstance(event, MessageAccepted) else None
        if isinstance(event, MessageAccepted) and known is not None:
            work.append((row.position, row.state, event.message, known[1]))
    began = time.perf_counter()
    for position, state, message, key in work:
        leaf = leaf_of(position, sha256(state).digest())
        node_hash(leaf, leaf)
        key.verify(PayloadType.CLOUDEVENT, message.payload, message.signature)
    return len(work) / (time.perf_counter() - began)


@dataclass
class _Resident:
    """How much was resident each time that somebody looked, in MiB: all, and what no file lies behind."""

    all: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)

    def look(self, process: psutil.Process) -> None:
        """Note what a process and those that it started have now, shared pages once."""
        try:
            found = [_rollup(one.pid) for one in (process, *process.children(recursive=True))]
        except (psutil.Error, OSError):
            return
        self.all.append(sum(one["Pss"] for one in found) / 1024)
        self.own.append(sum(one["Pss_Anon"] for one in found) / 1024)

    @property
    def peak(self) -> float:
        """The most of all."""
        return max(self.all)

    @property
    def earlier(self) -> float:
        """The most in the second quarter, once everything has started, of what no file lies behind."""
        return max(self.own[len(self.own) // 4 : len(self.own) // 2 + 1])

    @property
    def later(self) -> float:
        """The most in the second half."""
        return max(self.own[len(self.own) // 2 :])


def _rollup(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name.removesuffix(":"): float(value) for name, value, *_ in (line.split() for line in lines)}


def _verified(folder: Path, load: Load, seen: _Resident) -> float:
    """Seconds that `spojka-audit verify` took, from its start as a program to its answer."""
    words = ["verify", str(load.bundle.folder), "--policy", str(folder / "policy"), "--json"]
    command = [sys.executable, "-c", "from hub.audit.commands import main; main()", *words]
    with TemporaryFile() as answer:  # a report of many findings would fill a pipe that nobody reads
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=answer) as running:
            process = psutil.Process(running.pid)
            while running.poll() is None:
                seen.look(process)
                time.sleep(_LOOK_EVERY)  # between two looks at its memory
        seconds = time.perf_counter() - began
        answer.seek(0)
        if running.returncode:
            raise ServerError(f"the export does not verify: {answer.read(500)!r}")
    return seconds


def _replayed(load: Load) -> Measurement:
    """Milliseconds for one client's path; baseline: reading the rows through once, without looking at them."""
    clients = [SubjectId(subject(number)) for number in range(0, load.clients, max(1, load.clients // _ASKED))]

    def ask() -> None:
        for one in clients:
            assert replay(load.bundle, one, AT).entries

    through = _seconds(lambda: _read(load.bundle.folder / "log.jsonl"))
    return Measurement(
        value=1000 * _seconds(ask) / len(clients), unit="ms", baseline=1000 * through, less_is_better=True
    )


def _read(file: Path) -> None:
    with file.open("rb", buffering=0) as opened:
        while opened.read(1 << 20):
            pass


def _seconds(do: Callable[[], None]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


@benchmark_of("ledger-follow", goals={"ledger-follow": 1.0}, runs=3)
def follow(bench: Bench) -> dict[str, Measurement]:
    """CPU time of the ledger's process while it follows, in per cent of intake's over the same messages; baseline: what it may cost."""
    simulation = Simulation()
    messages = workload(simulation, 2_000 if bench.smoke else 40_000, batched=False)
    fresh_topics(bench)
    folder = bench.folder / f"follow{next(_numbers)}"
    folder.mkdir()
    dsn = bench.postgres.create_database(folder.name)
    with HubRig(folder, dsn, bench.kafka.bootstrap, roles=("intake", "ledger"), simulation=simulation) as rig:
        rig.clock.write_text(AT.isoformat())
        _await_ledger(rig, 1)
        before = {name: _cpu(rig, name) for name in rig.processes}
        asyncio.run(rig.send([rig.outgoing(one.signed, one.key) for one in messages]))
        _await_ledger(rig, len(messages) + 1)
        spent = {name: _cpu(rig, name) - before[name] for name in rig.processes}
    share = 100 * spent["ledger"] / spent["intake"]
    return {"ledger-follow": Measurement(value=share, unit="%", baseline=_MAY_COST, less_is_better=True)}


def _cpu(rig: HubRig, name: str) -> float:
    times = psutil.Process(rig.processes[name].pid).cpu_times()
    return float(times.user + times.system)


def _await_ledger(rig: HubRig, size: int) -> None:
    """Until the last checkpoint vouches for so many entries."""
    latest, deadline = rig.folder / "hub" / "ledger" / "0" / "checkpoint", time.monotonic() + _PATIENCE
    while not latest.exists() or checkpoint.parse(signed_note.parse(latest.read_text()).text).size < size:
        if time.monotonic() > deadline:
            raise ServerError(f"the ledger did not reach {size} entries in {_PATIENCE} s")
        time.sleep(_LOOK_EVERY)
