"""Reading a ledger's tiles, of its tree now and of every earlier one.

Invariant: of an earlier tree only those tiles stand there that were written when it was signed; a wider tile begins with the same hashes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.ledger import checkpoint, signed_note
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.signed_note import NoteError
from contracts.ledger.tiles import WIDTH, Tile, TiledTree
from hub.application.ledger import LedgerError, TileStore

_HEIGHT = 8


@dataclass(frozen=True, slots=True)
class LedgerTiles:
    """`contracts.ledger.tiles.Read` over a ledger's files. Raises `LedgerError`."""

    files: TileStore

    def __call__(self, tile: Tile) -> bytes:
        """A tile, perhaps wider than asked for."""
        for path in self._paths(tile):
            found = self.files.read(path)
            if found is not None:
                return found
        raise LedgerError(f"{tile.path} is missing.", advice="Restore the ledger's folder from a copy.")

    def tree(self, size: int) -> TiledTree:
        """The tree as it was at a size up to the last checkpoint's."""
        return TiledTree(size, self)

    def latest(self) -> Checkpoint | None:
        """The last checkpoint; None before the first."""
        raw = self.files.read("checkpoint")
        try:
            return None if raw is None else checkpoint.parse(signed_note.parse(raw.decode()).text)
        except (NoteError, UnicodeDecodeError) as error:
            raise LedgerError(
                "The checkpoint of this ledger does not read.",
                advice="Restore the ledger's folder from a copy before anything is added.",
            ) from error

    def _paths(self, tile: Tile) -> Iterator[str]:
        yield tile.path
        yield Tile(tile.level, tile.number).path
        head = self.latest()
        width = 0 if head is None else (head.size >> (_HEIGHT * tile.level)) - tile.number * WIDTH
        if 0 < width < WIDTH:
            yield Tile(tile.level, tile.number, width).path
