"""What most commands begin with: where the home folder is, the house, the shards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from contracts.trust_list import TrustList
from hub.entrypoints.house import House, open_house
from hub.entrypoints.settings import load_settings
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.shard_database import ShardDatabase

Home = Annotated[Path | None, typer.Option(help="Folder with keys, trust list and hub.toml (SPOJKA_HUB_HOME).")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
out: Final = Console()


def house_of(home: Path | None) -> House:
    """The house of these settings. Raises `SettingsError`, `KeyFileError`."""
    return open_house(load_settings(home=home))


def listed_of(house: House) -> TrustList:
    """The programme's first list: partitions and shards are fixed in it."""
    return house.programme.directory.listed


def databases(house: House, part: DatabaseUser = DatabaseUser.OPERATOR) -> list[ShardDatabase]:
    """Every shard's database, as the operator's commands see it, or as another part."""
    return [house.database(part, shard) for shard in range(listed_of(house).shards)]


@contextmanager
def telling(text: str) -> Iterator[None]:
    """Say on the terminal what is being waited for, as long as it lasts."""
    with out.status(text):
        yield
