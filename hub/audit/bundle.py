"""An export of a log on disk: rows as lines of JSON, an index, the ledger's tiles, the signed checkpoint and the first trust list.

Invariants: rows are as stored; those of one record key lie together, in the order of their positions, so that one person's can be read without the
rest; what is read back is checked for its form only, since judging it is `verification`'s task. Nothing of the index is believed by `verify`.
`hub/audit/README.md` describes the files.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar, Final, Literal
from uuid import UUID

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from contracts.ledger import checkpoint, signed_note
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.signed_note import NoteError
from contracts.ledger.tiles import Tile
from contracts.merkle import ProofError
from contracts.names import Programme, RecordKey
from hub.application.ports import HubError

MANIFEST: Final = "manifest.json"
CHECKPOINT: Final = "checkpoint"
FIRST_LIST: Final = "trust-list-1.dsse.json"
ROWS: Final = "log.jsonl"
INDEX: Final = "index.jsonl"
Place = tuple[int, int]
"""Where a row or a run of rows lies in the file of rows: first byte and length."""


class BundleError(HubError):
    """An export that does not read."""


class Part(BaseModel):
    """What a part was asked for: everything about these record keys, or about everybody of whom something was recorded in a period."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    keys: tuple[RecordKey, ...] = ()
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """Nothing later is in it."""


class Manifest(BaseModel):
    """What an export says of itself; nothing of it is believed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal[2, 3] = 3
    """3: states may be encrypted, each beside its keys."""
    programme: Programme
    shard: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]
    """Entries that the checkpoint vouches for."""
    rows: Annotated[int, Field(ge=0)] = 0
    part: Part | None = None
    """None: the whole log."""
    notices: tuple[Place, ...] = ()
    """Where the trust lists and settings lie, in the order of the log."""
    last: Place | None = None
    """Where the last row of the log lies, or of the part."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the log, read and checked in one go by compiled code, since a verification reads a million of them."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, val_json_bytes="base64", extra="forbid")
    position: int
    key: RecordKey
    stream_id: Annotated[UUID, Field(validation_alias="stream")]
    stream_version: Annotated[int, Field(validation_alias="version")]
    topic: str
    state: bytes
    keys: bytes = b""
    """What opens the state, 32 bytes each: the key of what was decided, and of the signed bytes where that was not destroyed."""

    @property
    def line(self) -> bytes:
        """As a line of the export."""
        document = {
            "position": self.position,
            "key": self.key,
            "stream": str(self.stream_id),
            "version": self.stream_version,
            "topic": self.topic,
            "state": b64encode(self.state).decode(),
            **({"keys": b64encode(self.keys).decode()} if self.keys else {}),
        }
        return json.dumps(document, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Group:
    """Where the rows of one record key lie, and the reports of what was delivered of them."""

    key: RecordKey
    place: Place
    rows: int
    reports: tuple[Place, ...] = ()

    @property
    def line(self) -> bytes:
        """As a line of the index."""
        document = {"key": self.key, "at": self.place, "rows": self.rows, "reports": self.reports}
        return json.dumps(document, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True)
class Bundle:
    """An export on disk."""

    folder: Path
    manifest: Manifest
    note: signed_note.Note
    first_list: bytes

    @classmethod
    def open(cls, folder: Path) -> "Bundle":
        """Raises `BundleError`."""
        try:
            manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
            note = signed_note.parse((folder / CHECKPOINT).read_text(encoding="utf-8"))
            checkpoint.parse(note.text)
            return cls(folder, manifest, note, (folder / FIRST_LIST).read_bytes())
        except (OSError, ValueError, ValidationError, NoteError) as error:
            missing = Path(error.filename).name if isinstance(error, FileNotFoundError) else None
            why = f"a file does not read ({type(error).__name__})" if missing is None else f"{missing} is not there"
            raise BundleError(
                f"{folder} is no export of a log: {why}.",
                advice="Name the folder in which manifest.json lies, or ask the operator for the export anew.",
            ) from error

    @property
    def head(self) -> Checkpoint:
        """What the checkpoint says."""
        return checkpoint.parse(self.note.text)

    @cached_property
    def bytes_of_rows(self) -> int:
        """How much there is to read."""
        return (self.folder / ROWS).stat().st_size

    def groups(self) -> Iterator[Group]:
        """Every line of the index, in its order. Raises `BundleError`."""
        with (self.folder / INDEX).open("rb") as file:
            for line in file:
                yield group_of(line)

    def group(self, key: RecordKey) -> Group | None:
        """The line of one record key, found by halves in a file that is sorted by key. Raises `BundleError`."""
        with (self.folder / INDEX).open("rb") as file:
            low, high = 0, file.seek(0, 2)
            while low < high:
                begin = _line_at(file, (low + high) // 2)
                file.seek(begin)
                line = file.readline()
                found = group_of(line)
                if found.key == key:
                    return found
                low, high = (low, begin) if found.key > key else (begin + len(line), high)
        return None

    def lines(self, place: Place) -> Iterator[bytes]:
        """The lines of a run of rows."""
        with (self.folder / ROWS).open("rb") as file:
            yield from lines_in(file, place)

    def rows(self, place: Place) -> Iterator[Row]:
        """A run of rows. Raises `BundleError`."""
        for line in self.lines(place):
            yield row_of(line)

    def tile(self, tile: Tile) -> bytes:
        """A tile of the ledger. Raises `ProofError`."""
        try:
            return (self.folder / tile.path).read_bytes()
        except OSError as error:
            raise ProofError(f"{tile.path} is missing in the export") from error


def lines_in(file: BinaryIO, place: Place) -> Iterator[bytes]:
    """The lines of a run of rows, from an open file."""
    begin, left = place
    file.seek(begin)
    while left > 0:
        line = file.readline(left)
        if not line:
            return
        left -= len(line)
        yield line


def row_of(line: bytes) -> Row:
    """A row from its line. Raises `BundleError`."""
    try:
        return _ROW.validate_json(line)
    except ValidationError as error:
        raise BundleError(f"A line of {ROWS} does not read.", advice=_CHANGED) from error


_ROW: Final = TypeAdapter(Row)
_CHANGED: Final = "The export was changed or cut off: ask for another."


def group_of(line: bytes) -> Group:
    """A line of the index. Raises `BundleError`."""
    try:
        document = orjson.loads(line)
        place, reports = document["at"], document["reports"]
        return Group(document["key"], _place(place), int(document["rows"]), tuple(_place(one) for one in reports))
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"A line of {INDEX} does not read.", advice=_CHANGED) from error


def _place(numbers: list[int]) -> Place:
    begin, length = numbers
    if type(begin) is not int or type(length) is not int or begin < 0 or length < 0:
        raise ValueError("a place is two numbers")
    return begin, length


def _line_at(file: BinaryIO, offset: int) -> int:
    """Where the line begins in which, or before which, a byte lies."""
    step, end = 4096, offset
    while end > 0:
        begin = max(0, end - step)
        file.seek(begin)
        newline = file.read(end - begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0
