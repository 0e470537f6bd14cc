"""What a benchmark is, and how its figure is judged.

- A figure means little alone: a benchmark measures a baseline in the same run, on the same machine, under the same load.
- `ratio` is always "higher is better": value over baseline, or baseline over value where less is better.
- Three runs where figures drift; the row shows the one with the median ratio (or value), whole, so that its numbers belong together.
"""

from __future__ import annotations

import importlib
import pkgutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.kafka_broker import KafkaBroker
from deploy.servers.postgres import PostgresServer

Row = dict[str, str | float | None]

RUNS = 3


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One run's figure: `value` in `unit` (such as `messages/s` or `ms`) and what the baseline reached."""

    value: float
    unit: str
    baseline: float | None = None
    less_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times as good as the baseline; None without one."""
        if not self.baseline or not self.value:
            return None
        return self.baseline / self.value if self.less_is_better else self.value / self.baseline

    @property
    def rank(self) -> float:
        """Higher is better."""
        if self.ratio is not None:
            return self.ratio
        return -self.value if self.less_is_better else self.value


class Bench:
    """What a benchmark is given: servers, started when first asked for and shared by all, and `smoke`.

    With `smoke` a benchmark does the least that shows that it works: a second or two; with `full` the largest that it was made for. `keep`: where
    what takes minutes to make is left for the next run.
    """

    def __init__(self, *, smoke: bool, full: bool = False, keep: Path | None = None) -> None:
        self.smoke = smoke
        self.full = full
        self.keep = keep
        self._stack = ExitStack()

    @cached_property
    def folder(self) -> Path:
        """A private folder that goes when the run ends."""
        scratch = tempfile.TemporaryDirectory(prefix="spojka-bench-", ignore_cleanup_errors=True)
        return Path(self._stack.enter_context(scratch))

    @cached_property
    def postgres(self) -> PostgresServer:
        """PostgreSQL with fsync on, as in service."""
        return self._stack.enter_context(PostgresServer(self.folder / "postgres"))

    @cached_property
    def kafka(self) -> KafkaBroker:
        """Real Kafka, one node."""
        return self._stack.enter_context(KafkaBroker(self.folder / "kafka"))

    @cached_property
    def embedded(self) -> EmbeddedBroker:
        """The embedded broker."""
        return self._stack.enter_context(EmbeddedBroker())

    def clear_away(self) -> None:
        """Drop the databases that a benchmark leaves: the server would vacuum them beside the next one."""
        if "postgres" in self.__dict__:  # started
            for name in self.postgres.databases():
                self.postgres.drop_database(name)

    def close(self) -> None:
        """Stop every server that was started."""
        self._stack.close()


Run = Callable[[Bench], Mapping[str, Measurement]]
"""Measures once; gives a figure for each of the benchmark's rows."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A named measurement with its rows, each with the least `ratio` that is good enough, or None when there is no goal."""

    name: str
    goals: Mapping[str, float | None]
    run: Run
    runs: int = RUNS
    """Once is enough for what does not depend on how busy the machine is."""


_registered: dict[str, Benchmark] = {}


def benchmark(
    name: str, *, goal: float | None = None
) -> Callable[[Callable[[Bench], Measurement]], Callable[[Bench], Measurement]]:
    """Register a function that measures one figure; raises ValueError when the name is taken."""

    def register(run: Callable[[Bench], Measurement]) -> Callable[[Bench], Measurement]:
        _add(Benchmark(name=name, goals={name: goal}, run=lambda bench: {name: run(bench)}))
        return run

    return register


def benchmark_of(name: str, *, goals: Mapping[str, float | None], runs: int = RUNS) -> Callable[[Run], Run]:
    """Register a function that measures several figures at once, a row each; raises ValueError when the name is taken."""

    def register(run: Run) -> Run:
        _add(Benchmark(name=name, goals=goals, run=run, runs=runs))
        return run

    return register


def _add(one: Benchmark) -> None:
    if one.name in _registered:
        raise ValueError(f"two benchmarks are called {one.name}: rename one")
    _registered[one.name] = one


def discover() -> dict[str, Benchmark]:
    """All benchmarks by name, from every `bench_*.py` in this folder."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.startswith("bench_"):
            importlib.import_module(f"{__package__}.{module.name}")
    return dict(sorted(_registered.items()))


def median(measurements: Sequence[Measurement]) -> Measurement:
    """The run in the middle; of an even number, the lesser of the two."""
    return sorted(measurements, key=lambda one: one.rank)[(len(measurements) - 1) // 2]


def row(name: str, *, goal: float | None, measured: Measurement) -> Row:
    """The result as `deploy/bench --json` prints it."""
    return {
        "name": name,
        "value": measured.value,
        "unit": measured.unit,
        "baseline": measured.baseline,
        "ratio": measured.ratio,
        "goal": goal,
    }
