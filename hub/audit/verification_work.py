"""The work of a verification in portions: some lines of the index with the rows that they lead to, done here or in several processes.

Invariants: a portion needs nothing of another one; what all of them need (trust lists, reports of deliveries) is read before; what is needed of all
rows together goes into columns that all share. A row that does not read is a finding of its portion.
"""

import gc
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import chain, groupby
from mmap import mmap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from contracts.envelope import parse
from contracts.errors import ContractsError
from contracts.ledger.entry import leaf_of
from contracts.messages.hub import DeliveryReported, SettingsChanged, TrustListPublished
from contracts.messages.key import KeyReleased
from contracts.signed_bytes import BatchRoots
from hub.application.ports import LogEntry
from hub.audit.bundle import INDEX, ROWS, Bundle, BundleError, Group, Place, Row, group_of, lines_in, row_of
from hub.audit.bundle_writing import is_hub_key
from hub.audit.columns import Columns
from hub.audit.consequences import Overdue
from hub.audit.findings import Finding, FindingCode
from hub.audit.gossip import Gossip
from hub.audit.reexecution import Ground, Reexecution
from hub.audit.releases import Releases
from hub.audit.reports import Reports
from hub.audit.signatures import Said, said_by
from hub.audit.stored_events import event_of
from hub.audit.timeline import Timeline
from hub.domain.events import Event, MessageAccepted

_PORTION: Final = 2_000_000
"""Bytes of rows in a portion, about."""
_AT_ONCE: Final = 64
"""Events whose signatures are checked one behind the other."""
UNKNOWN: Final = -1
"""The position of what does not say its own."""


@dataclass(slots=True)
class Done:
    """What came of portions."""

    rows: int = 0
    findings: list[Finding] = field(default_factory=list)
    silent: list[Overdue] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    gossip: Gossip = field(default_factory=Gossip)

    def add(self, other: "Done") -> None:
        """Of another portion too."""
        self.rows += other.rows
        self.findings += other.findings
        self.silent += other.silent
        self.counts += other.counts
        self.gossip.add(other.gossip)


@dataclass(slots=True)
class Prepared:
    """What every portion needs, and where the portions lie in the index."""

    bundle: Bundle
    timeline: Timeline
    reports: Reports
    last: Event | None = None
    last_position: int = 0
    told_at: dict[int, Place] = field(default_factory=dict)
    """Where each report of deliveries lies, by its position in the log."""
    portions: list[Place] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    releases: Releases = field(default_factory=Releases)

    def ground(self, columns: Columns) -> Ground:
        """For running decisions again."""
        last = None if self.last is None else (self.last_position, self.last.at)
        part = self.bundle.manifest.part
        cut_off = part is not None and part.until is not None
        return Ground(self.timeline, self.reports, columns, last, BatchRoots(), self.releases, cut_off)


def prepared(bundle: Bundle) -> Prepared:
    """Read the hub's messages about no subject, and look over the index. Raises `BundleError`."""
    if bundle.manifest.part is None and bundle.head.size > bundle.bytes_of_rows:
        raise BundleError(
            f"{bundle.head.size} rows are vouched for, and there are {bundle.bytes_of_rows} bytes of rows.",
            advice="Ask the operator for a whole export.",
        )
    ready = Prepared(bundle, Timeline(bundle.first_list), Reports())
    notices = list[Place]()
    for group in _portioned(ready):
        notices += _tell(ready, group)
    ready.reports.settle()
    if tuple(notices) != bundle.manifest.notices:
        ready.findings.append(Finding(FindingCode.INDEX, 0, "trust lists and settings lie elsewhere than is said"))
    last = None if bundle.manifest.last is None else next(iter(bundle.lines(bundle.manifest.last)), None)
    row = None if last is None else _row(last)
    if row is not None:
        ready.last, ready.last_position = event_of(row), row.position
    return ready


def _portioned(ready: Prepared) -> list[Group]:
    """Cut the index into portions; returns the lines of the hub's own keys. Every byte of the rows must belong to one line."""
    hub, begin, end, weight, last, covered = list[Group](), 0, 0, 0, "", 0
    with (ready.bundle.folder / INDEX).open("rb") as file:
        for line in file:
            group = group_of(line)
            if group.key <= last:
                ready.findings.append(Finding(FindingCode.INDEX, UNKNOWN, f"{group.key} stands behind {last}"))
            last, end, weight = group.key, end + len(line), weight + group.place[1]
            covered += group.place[1]
            if is_hub_key(group.key):
                hub.append(group)
            if weight >= _PORTION:
                ready.portions.append((begin, end - begin))
                begin, weight = end, 0
    if end > begin:
        ready.portions.append((begin, end - begin))
    if covered != ready.bundle.bytes_of_rows:
        detail = f"the index leads to {covered} bytes of {ready.bundle.bytes_of_rows}"
        ready.findings.append(Finding(FindingCode.INDEX, UNKNOWN, detail))
    return hub


def _tell(ready: Prepared, group: Group) -> Iterator[Place]:
    """Take over what the rows of one of the hub's keys tell; gives the places of trust lists and settings."""
    begin = group.place[0]
    for line in ready.bundle.lines(group.place):
        place, begin = (begin, len(line)), begin + len(line)
        row = _row(line)
        event = None if row is None else event_of(row)
        if row is None or not isinstance(event, MessageAccepted):
            continue
        try:
            facts = parse(event.message.payload).facts
        except ContractsError:
            continue
        if isinstance(facts, DeliveryReported):
            ready.reports.add(facts, position=row.position, at=event.at)
            ready.told_at[row.position] = place
        elif isinstance(facts, KeyReleased):
            ready.releases.add(facts, position=row.position, at=event.at)
        elif isinstance(facts, (TrustListPublished, SettingsChanged)):
            wrong = ready.timeline.follow(facts, position=row.position, at=event.at)
            ready.findings += [Finding(FindingCode.UNTRUSTED_LIST, row.position, problem) for problem in wrong]
            yield place


def _row(line: bytes) -> Row | None:
    try:
        return row_of(line)
    except BundleError:
        return None


def work(ready: Prepared, columns: Columns, portion: Place) -> Done:
    """Run one portion."""
    ground, done = ready.ground(columns), Done()
    with (ready.bundle.folder / INDEX).open("rb") as index, (ready.bundle.folder / ROWS).open("rb") as rows:
        groups = (group_of(line) for line in lines_in(index, portion))
        events = (
            (group, *one) for group in groups for one in _entries(lines_in(rows, group.place), group, columns, done)
        )
        for _, some in groupby(_said(events, ground), key=lambda one: one[0].key):
            group, first = next(some)
            again = Reexecution(group.key, ground, done.counts, done.gossip)
            for one in again.run(chain([first], (said for _, said in some))):
                if isinstance(one, Overdue):
                    done.silent.append(one)
                else:
                    done.findings.append(one)
            done.findings += _index(group, again.reported, ready)
    return done


def _said(events: Iterator[tuple[Group, LogEntry, bytes]], ground: Ground) -> Iterator[tuple[Group, Said]]:
    """The events with what they say, some hundreds at a time, or less where they are large."""
    some, weight = list[tuple[Group, LogEntry, bytes]](), 0
    for one in events:
        some.append(one)
        weight += len(one[1].event.message.payload) if isinstance(one[1].event, MessageAccepted) else 0
        if len(some) == _AT_ONCE or weight > _PORTION // 2:
            yield from _at_once(some, ground)
            some, weight = [], 0
    yield from _at_once(some, ground)


def _at_once(some: list[tuple[Group, LogEntry, bytes]], ground: Ground) -> Iterator[tuple[Group, Said]]:
    said = said_by([(entry, leaf) for _, entry, leaf in some], ground.timeline, ground.roots)
    return zip((group for group, _, _ in some), said, strict=True)


def _entries(lines: Iterator[bytes], group: Group, columns: Columns, done: Done) -> Iterator[tuple[LogEntry, bytes]]:
    found = 0
    for line in lines:
        found += 1
        row = _row(line)
        if row is None:
            done.findings.append(Finding(FindingCode.UNREADABLE, UNKNOWN, f"a line of {group.key} is no row"))
            continue
        if row.position < 0:
            done.findings.append(Finding(FindingCode.GAP, UNKNOWN, f"there is no position {row.position}"))
            continue
        leaf = leaf_of(row.position, sha256(row.state).digest())
        event = event_of(row) if row.key == group.key else None
        if event is None:
            columns.unreadable(row.position, leaf)
            done.findings.append(Finding(FindingCode.UNREADABLE, row.position, f"{row.topic} does not read"))
            continue
        yield LogEntry(row.position, event), leaf
    done.rows += found
    if found != group.rows or not found:
        done.findings.append(Finding(FindingCode.INDEX, UNKNOWN, f"{group.key} has {found} rows, not {group.rows}"))


def _index(group: Group, told: set[int], ready: Prepared) -> Iterator[Finding]:
    """That the index leads to every report of deliveries, given by their positions, and to no other."""
    if is_hub_key(group.key) and ready.bundle.manifest.part is not None:
        return
    if tuple(sorted(ready.told_at[one] for one in told)) != group.reports:
        yield Finding(FindingCode.INDEX, UNKNOWN, f"reports of deliveries of {group.key} lie elsewhere than is said")


@contextmanager
def run_here(ready: Prepared, _processes: int | None) -> Iterator[tuple[Columns, Iterator[Done]]]:
    """One portion after the other."""
    size = ready.bundle.head.size
    columns = Columns.in_memory(size) if ready.bundle.manifest.part is None else Columns.of_part(size)
    yield columns, (work(ready, columns, one) for one in ready.portions)


@contextmanager
def run_in_processes(ready: Prepared, processes: int | None) -> Iterator[tuple[Columns, Iterator[Done]]]:
    """In several processes, that write into one file of columns."""
    size = ready.bundle.head.size
    with TemporaryDirectory(prefix="spojka-audit-") as folder:
        shared = Path(folder) / "columns"
        with shared.open("wb") as empty:
            empty.truncate(Columns.length(size))
        _remembered.cache_clear()
        _remember(ready)
        with (
            ProcessPoolExecutor(processes or os.cpu_count() or 1, initializer=_rarely_collect) as pool,
            shared.open("r+b") as file,
            mmap(file.fileno(), 0) as buffer,
        ):
            asked = [(ready.bundle.folder, shared, one) for one in ready.portions]
            yield Columns(size, buffer), _in_order(pool, asked)


def _in_order(pool: ProcessPoolExecutor, asked: list[tuple[Path, Path, Place]]) -> Iterator[Done]:
    try:
        yield from pool.map(_portion, asked)
    except BrokenProcessPool as error:
        raise BundleError(
            "A process of the verification was ended from outside.", advice="Make room in memory, or use --processes 1."
        ) from error


def _rarely_collect() -> None:
    """Nothing here lies in circles: looking for them costs a tenth of the time."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def _portion(asked: tuple[Path, Path, Place]) -> Done:
    """A portion, in a process of its own."""
    folder, shared, place = asked
    ready = _remembered(folder)
    return work(ready, _columns(shared, ready.bundle.head.size), place)


_READY: Final[dict[Path, Prepared]] = {}
"""What a process that was forked finds prepared."""


def _remember(ready: Prepared) -> None:
    _READY.clear()
    _READY[ready.bundle.folder] = ready


@lru_cache(maxsize=1)
def _remembered(folder: Path) -> Prepared:
    return _READY.get(folder) or prepared(Bundle.open(folder))


@lru_cache(maxsize=1)
def _columns(shared: Path, size: int) -> Columns:
    with shared.open("r+b") as file:
        return Columns(size, mmap(file.fileno(), 0))
