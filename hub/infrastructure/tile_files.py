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
            target.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
        except OSError as error:
            raise TileFileError(
                f"The ledger cannot be written to {self.folder}: {error.strerror}.", advice="Make room, or the rights."
            ) from error
