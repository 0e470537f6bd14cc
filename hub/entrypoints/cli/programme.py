"""Beginning a programme: its keys and first trust list, its tables, its settings."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from contracts.keys import KeyUse
from contracts.names import ProgrammeId
from hub.application.admission import first_list
from hub.entrypoints.cli.list_files import save
from hub.entrypoints.cli.opening import Home, house_of, listed_of, out
from hub.entrypoints.house import FIRST_LIST, House
from hub.entrypoints.settings import LOG_KEK, described, load_settings
from hub.infrastructure.key_encryption import KekFile, KekSet
from hub.infrastructure.key_files import KeyFiles
from hub.infrastructure.postgres.database_users import DatabaseUsers
from hub.infrastructure.postgres.log_keys import any_key
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase

_FIRST_KEK: Final = "log-kek-1"
_HUB_USES: Final = (KeyUse.MESSAGES, KeyUse.DELIVERIES, KeyUse.CHECKPOINTS)


def init(  # noqa: PLR0913, PLR0917 - what a programme is
    programme: Annotated[str, typer.Option(help="Name of the programme: a-z, 0-9, hyphen.")],
    time_zone: Annotated[str, typer.Option(help="Civil dates end in this zone.")] = "Europe/Prague",
    partitions: Annotated[int, typer.Option(help="Of hub.inbox; fixed for ever. The embedded broker has 4.")] = 64,
    shards: Annotated[int, typer.Option(help="More writers mean more shards.")] = 1,
    trial: Annotated[bool, typer.Option(help="On trial: content in clear is accepted.")] = False,  # noqa: FBT002 - a command-line flag
    at: Annotated[datetime | None, typer.Option(help="Issue date, for a story.")] = None,
    home: Home = None,
) -> None:
    """Make the keys of a new programme and its first trust list."""
    settings = load_settings(home=home)
    keys = KeyFiles(settings.home / "keys")
    root = KeyFiles(settings.home / "root").create(KeyUse.DIRECTORY)
    listed = first_list(
        ProgrammeId(programme),
        at=(at or datetime.now(UTC)).astimezone(UTC),
        time_zone=time_zone,
        partitions=partitions,
        shards=shards,
        trial=trial,
        root=root,
        hub_keys=[keys.create(use) for use in _HUB_USES],
    )
    save(settings.home, listed, root)
    out.print(
        f"Programme [b]{programme}[/b] is ready in {settings.home}. Keep {settings.home / 'root'} offline and backed up."
    )
    if not settings.log_kek:
        KekFile(settings.home / LOG_KEK).create(KekSet.fresh(_FIRST_KEK))
        out.print(
            f"Back {settings.home / LOG_KEK} up apart from the database, and give a copy to the key service: without it nobody reads the log."
        )
    out.print(f"Give every unit {settings.home / FIRST_LIST}: it names the root key.")


def migrate(home: Home = None) -> None:
    """Create or upgrade the tables of every shard."""
    from hub.infrastructure.postgres.migrate import migrate as migrate_shard  # noqa: PLC0415 - loads SQLAlchemy and Alembic, which `init` does not need

    house = house_of(home)
    dsn, shards = house.settings.database, listed_of(house).shards
    for shard in range(shards):
        migrate_shard(dsn, shard)
    if house.settings.database_users is not None:  # new tables want new privileges
        DatabaseUsers(dsn, house.settings.database_users).make(shards=shards)
    _make_log_key(house, shards)
    out.print("The database is up to date.")


def _make_log_key(house: House, shards: int) -> None:
    """For a hub from before there were such keys: where nothing is encrypted yet, and nobody keeps the key elsewhere."""
    path = house.settings.home / LOG_KEK
    if house.settings.log_kek or path.exists():
        return
    for shard in range(shards):
        session = Session(ShardDatabase(house.settings.database, shard), name="migrate")
        try:
            if any_key(session):
                house.mapper()  # says what is missing, and what to do
        finally:
            session.close()
    KekFile(path).create(KekSet.fresh(_FIRST_KEK))
    out.print(
        f"New: {path}. Back it up apart from the database, and give a copy to the key service and the hub's other processes."
    )


def settings() -> None:
    """Every setting of the processes with its default."""
    out.print(described(), highlight=False)
