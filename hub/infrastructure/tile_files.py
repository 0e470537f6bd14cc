"""A ledger's files in a folder that any web server can serve.

Invariants: a file appears whole and durable or not at all; names come from `contracts.ledger.tiles` only.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from hub.application.ports import HubError


class TileFileError(HubError):
    """The ledger's folder cannot be written."""


@dataclass(frozen=True, slots=True)
class TileFiles:
    """`hub.application.ledger.TileStore` over a folder."""

    folder: Path

    def read(self, path: str) -> bytes | None:
        """A file, None where there is none."""
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place. Raises `TileFileError`."""
        target = self.folder / path
        fresh = target.with_name(f"{target.name}.new")
        try:
            _make(target.parent)
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
            _sync(target.parent)
        except OSError as error:
            raise TileFileError(
                f"The ledger cannot be written to {self.folder}: {error.strerror}.", advice="Make room, or the rights."
            ) from error


def _make(folder: Path) -> None:
    """A folder whose name outlives a power cut, as those above it do."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
