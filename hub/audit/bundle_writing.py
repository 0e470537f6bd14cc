"""Writing an export: rows as they come, then the index, the tiles that prove them and what vouches for them.

Invariants: rows come by record key, those of the hub last, so that a part takes of the hub's messages only what concerns it; a part says so. What the
log holds of another programme or was damaged in is written as it is: judging it is `verification`'s task.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from contracts.envelope import parse
from contracts.errors import ContractsError
from contracts.ledger import checkpoint, signed_note
from contracts.ledger.entry import leaf_of
from contracts.ledger.tiles import WIDTH, Read, Tile, tiles_of
from contracts.merkle import HASH_LENGTH, root
from contracts.messages.hub import DeliveryReported, SettingsChanged, TrustListPublished
from contracts.names import HUB, RecordKey
from hub.audit.bundle import CHECKPOINT, FIRST_LIST, INDEX, MANIFEST, ROWS, BundleError, Group, Manifest, Place, Row
from hub.audit.proven_leaves import tiles_for
from hub.audit.stored_events import event_of
from hub.domain.events import MessageAccepted

_NOBODY: Final = -1


def is_hub_key(key: RecordKey) -> bool:
    """Whether the hub speaks under this record key about no subject."""
    return key.startswith(f"{HUB}-")


def write(  # noqa: PLR0913 - what an export is made of, by keyword
    folder: Path, manifest: Manifest, rows: Iterable[Row], *, note: bytes, first_list: bytes, tiles: Read | None = None
) -> Manifest:
    """Write an export into a new folder; returns its manifest with what was counted. `tiles`: None, where they are to be made of the rows.

    Rows come grouped by record key in the order of keys, the hub's own last. Raises `BundleError` where there is something already.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise BundleError(f"{folder} exists already.", advice="Name a folder that does not.") from error
    size = checkpoint.parse(signed_note.parse(note.decode()).text).size
    writing = _Writing(size, whole=manifest.part is None)
    with (folder / ROWS).open("wb") as file:
        for row in rows:
            writing.take(row, file)
    (folder / INDEX).write_bytes(b"".join(group.line for group in writing.groups()))
    wanted = tiles_of(size) if manifest.part is None else tiles_for(writing.positions(), size)
    read = tiles or TilesOf(bytes(writing.leaves))
    for tile in wanted:
        target = folder / tile.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read(tile)[: tile.width * HASH_LENGTH])
    counted = {"size": size, "rows": writing.rows, "notices": tuple(writing.notices), "last": writing.last}
    written = manifest.model_copy(update=counted)
    (folder / CHECKPOINT).write_bytes(note)
    (folder / FIRST_LIST).write_bytes(first_list)
    (folder / MANIFEST).write_text(written.model_dump_json(indent=1, exclude_none=True) + "\n", encoding="ascii")
    return written


@dataclass(slots=True)
class TilesOf:
    """The tiles of a tree whose leaf hashes, joined, are all there."""

    leaves: bytes
    _levels: list[bytes] = field(default_factory=list)

    def __call__(self, tile: Tile) -> bytes:
        """A tile's bytes."""
        self._levels = self._levels or [self.leaves]
        while len(self._levels) <= tile.level:
            self._levels.append(_above(self._levels[-1]))
        begin = tile.number * WIDTH * HASH_LENGTH
        return self._levels[tile.level][begin : begin + tile.width * HASH_LENGTH]


def _above(level: bytes) -> bytes:
    step = WIDTH * HASH_LENGTH
    full = (level[at : at + step] for at in range(0, len(level) - step + 1, step))
    return b"".join(root([one[at : at + HASH_LENGTH] for at in range(0, step, HASH_LENGTH)]) for one in full)


@dataclass(slots=True)
class _Open:
    """A run of rows being written."""

    key: RecordKey
    begin: int
    rows: int = 0
    length: int = 0
    reports: set[int] = field(default_factory=set)
    """Numbers of the reports that name a row of it."""


@dataclass(slots=True)
class _Writing:
    size: int
    whole: bool
    rows: int = 0
    notices: list[Place] = field(default_factory=list)
    leaves: bytearray = field(init=False)
    _owners: "array[int]" = field(init=False)
    """Whose row stands at a position: the number of its run, or nobody's."""
    _runs: list[_Open] = field(default_factory=list)
    _reports: list[Place] = field(default_factory=list)
    _written: int = 0
    _furthest: int = -1
    last: Place | None = None

    def __post_init__(self) -> None:
        self._owners = array("l", [_NOBODY]) * self.size
        self.leaves = bytearray(HASH_LENGTH * self.size if self.whole else 0)

    def take(self, row: Row, file: BinaryIO) -> None:
        """Write a row, unless it is one of the hub's that does not concern this part."""
        facts = _notice(row) if is_hub_key(row.key) else None
        named = self._named(facts) if isinstance(facts, DeliveryReported) else set()
        told = isinstance(facts, (TrustListPublished, SettingsChanged))
        if is_hub_key(row.key) and not (self.whole or told or named):
            return
        line = row.line
        if told:
            self.notices.append((self._written, len(line)))
        for one in named:
            self._runs[one].reports.add(len(self._reports))
        if named:
            self._reports.append((self._written, len(line)))
        self._keep(row, len(line))
        file.write(line)

    def _keep(self, row: Row, length: int) -> None:
        if not self._runs or self._runs[-1].key != row.key:
            self._runs.append(_Open(row.key, self._written))
        run = self._runs[-1]
        run.rows, run.length = run.rows + 1, run.length + length
        self.rows, self._written = self.rows + 1, self._written + length
        if not 0 <= row.position < self.size:
            return
        if row.position > self._furthest:
            self._furthest, self.last = row.position, (self._written - length, length)
        self._owners[row.position] = len(self._runs) - 1
        if self.whole:
            begin = HASH_LENGTH * row.position
            self.leaves[begin : begin + HASH_LENGTH] = leaf_of(row.position, sha256(row.state).digest())

    def _named(self, facts: DeliveryReported) -> set[int]:
        positions = {one.position for one in facts.deliveries if 0 <= one.position < self.size}
        named = {self._owners[one] for one in positions} - {_NOBODY}
        return named if self.whole else {one for one in named if not is_hub_key(self._runs[one].key)}

    def positions(self) -> Sequence[int]:
        """Of every row that was written."""
        return [position for position, owner in enumerate(self._owners) if owner != _NOBODY]

    def groups(self) -> Iterator[Group]:
        """The lines of the index."""
        for run in sorted(self._runs, key=lambda one: one.key):
            reports = tuple(self._reports[one] for one in sorted(run.reports))
            yield Group(run.key, (run.begin, run.length), run.rows, reports)


def _notice(row: Row) -> object:
    event = event_of(row)
    if not isinstance(event, MessageAccepted):
        return None
    try:
        return parse(event.message.payload).facts
    except ContractsError:
        return None
