"""Where a shard's ledger lies, and what its checkpoint vouches for."""

from hub.application.ledger_tiles import LedgerTiles
from hub.entrypoints.house import House
from hub.infrastructure.tile_files import TileFiles


def files_of(house: House, shard: int | None = None) -> TileFiles:
    """A shard's ledger (this process's)."""
    return TileFiles(house.settings.home / "ledger" / str(house.settings.shard if shard is None else shard))


def published_of(house: House, shard: int | None = None) -> int:
    """Events that the last checkpoint vouches for, 0 where there is none within reach. Raises `LedgerError`."""
    head = LedgerTiles(files_of(house, shard)).latest()
    return 0 if head is None else head.size
