"""`deploy/bench`: runs the benchmarks, prints a table or JSON; exit status 1 when one could not be measured."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from deploy.servers.errors import ServerError
from tests.benchmarks.registry import Bench, Benchmark, Row, discover, median, row


def _arguments(given: Sequence[str], *, names: Iterable[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="deploy/bench",
        description="Measures against baselines in the same run: three runs, of which the median is shown.",
        epilog=f"Benchmarks: {', '.join(names) or 'none yet'}.",
    )
    parser.add_argument("--smoke", action="store_true", help="one short run each: shows that they work, not how fast")
    parser.add_argument(
        "--full", action="store_true", help="the largest sizes where a benchmark has a smaller one by default: minutes"
    )
    parser.add_argument(
        "--keep",
        metavar="DIR",
        type=Path,
        help="leave what takes minutes to make (the export of a million events, 2.7 GB) there, and take it from there",
    )
    parser.add_argument("--only", metavar="NAME", action="append", default=[], help="just this one; may be repeated")
    parser.add_argument("--json", action="store_true", help="only the rows as JSON on stdout, progress on stderr")
    return parser.parse_args(given)


def _measure(chosen: Benchmark, bench: Bench) -> list[Row]:
    runs = 1 if bench.smoke else chosen.runs
    measured = []
    for number in range(1, runs + 1):
        print(f"{chosen.name}: run {number} of {runs} …", file=sys.stderr)
        measured.append(chosen.run(bench))
    return [
        row(name, goal=goal, measured=median([run[name] for run in measured])) for name, goal in chosen.goals.items()
    ]


def _table(rows: Iterable[Row]) -> str:
    headings = ("name", "value", "unit", "baseline", "ratio", "goal")
    cells = [headings, *(tuple(_shown(one[heading]) for heading in headings) for one in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(headings))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in cells)


def _shown(cell: str | float | None) -> str:
    if cell is None:
        return "–"
    return cell if isinstance(cell, str) else f"{cell:,.2f}"


def main(given: Sequence[str]) -> int:
    """Run what was asked for; the exit status."""
    benchmarks = discover()
    asked = _arguments(given, names=benchmarks)
    unknown = sorted(set(asked.only) - benchmarks.keys())
    if unknown:
        print(f"No benchmark is called {', '.join(unknown)}; there are: {', '.join(benchmarks)}", file=sys.stderr)
        return 2
    rows, failed = [], False
    bench = Bench(smoke=asked.smoke, full=asked.full, keep=asked.keep)
    try:
        for name in asked.only or benchmarks:
            try:
                rows.extend(_measure(benchmarks[name], bench))
            except ServerError as error:
                failed = True
                print(f"{name} could not be measured: {error}", file=sys.stderr)
            bench.clear_away()
    finally:
        bench.close()
    print(json.dumps(rows, indent=2) if asked.json else _table(rows))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
