"""An export of the log: rows as lines of JSON, the signed checkpoint that vouches for them, and the first trust list.

Invariants: rows are whole, in order, and as stored; what is read back is checked for its form only, since judging it is `verification`'s task.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.ledger import checkpoint, signed_note
from contracts.ledger.signed_note import NoteError
from contracts.names import Programme
from hub.application.ports import HubError

MANIFEST: Final = "manifest.json"
CHECKPOINT: Final = "checkpoint"
FIRST_LIST: Final = "trust-list-1.dsse.json"
ROWS: Final = "log.jsonl"


class BundleError(HubError):
    """An export that does not read."""


class Manifest(BaseModel):
    """What an export says of itself; nothing of it is believed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    programme: Programme
    shard: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the log."""

    position: int
    stream_id: UUID
    stream_version: int
    topic: str
    state: bytes

    @property
    def line(self) -> str:
        """As a line of the export."""
        document = {
            "position": self.position,
            "stream": str(self.stream_id),
            "version": self.stream_version,
            "topic": self.topic,
            "state": b64encode(self.state).decode(),
        }
        return json.dumps(document, separators=(",", ":")) + "\n"


def write(folder: Path, manifest: Manifest, rows: Iterable[Row], *, note: bytes, first_list: bytes) -> int:
    """Write an export into a new folder; returns the number of rows. Raises `BundleError` where there is something already."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise BundleError(f"{folder} exists already.", advice="Name a folder that does not.") from error
    count = 0
    with (folder / ROWS).open("w", encoding="ascii") as file:
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the last number is the answer
            file.write(row.line)
    (folder / CHECKPOINT).write_bytes(note)
    (folder / FIRST_LIST).write_bytes(first_list)
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="ascii")
    return count


@dataclass(frozen=True, slots=True)
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
            raise BundleError(
                f"{folder} is no export of a log: {type(error).__name__}.",
                advice="Ask the operator for a whole export.",
            ) from error

    @property
    def bytes_of_rows(self) -> int:
        """How much there is to read."""
        return (self.folder / ROWS).stat().st_size

    def rows(self) -> Iterator[Row]:
        """The rows as they stand in the file. Raises `BundleError` with the number of the line."""
        with (self.folder / ROWS).open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield _row(line, number)


def _row(line: bytes, number: int) -> Row:
    try:
        document = json.loads(line)
        state = b64decode(document["state"], validate=True)
        return Row(document["position"], UUID(document["stream"]), document["version"], document["topic"], state)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(
            f"Line {number} of {ROWS} does not read.", advice="The export was changed or cut off: ask for another."
        ) from error
