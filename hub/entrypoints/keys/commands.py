"""`spojka-keys`: what the operator of the key service types. It may be another person than the hub's operator, and should be.

Exit codes: 0 done; 1 something is wrong, said on standard error with what to do; 2 wrong usage.
"""

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from hub.application.hub_keys import KeyServiceRequest
from hub.entrypoints.keys import making
from hub.entrypoints.keys.house import KeysHouse, open_house
from hub.entrypoints.keys.settings import KeysSettings, described, load_settings
from hub.infrastructure.key_encryption import KekFile, KekSet
from hub.infrastructure.key_encryption_choice import kek_keeper, next_name
from hub.infrastructure.postgres.migrate import KEY_TABLES, migrate
from projections.process.logs import set_up_logs

PUBLIC: Final = "key-service.json"
_FIRST_KEK: Final = "kek-1"
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
out: Final = Console()

Home = Annotated[Path | None, typer.Option(help="Folder with keys, first trust list, keys.toml (SPOJKA_KEYS_HOME).")]
Count = Annotated[int, typer.Option(min=1, max=24, help="How many, one for every 30 days.")]
At = Annotated[datetime | None, typer.Option(help="From when on, for a story.")]


@app.callback()
def spojka_keys() -> None:
    """The key service of a Spojka programme."""


@app.command()
def init(deposit_keys: Count = 2, at: At = None, home: Home = None) -> None:
    """Make signing keys, deposit keys and, unless it is kept elsewhere, a key-encryption key; write their public halves."""
    settings = load_settings(home=home)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    making.make_signing_keys(settings.home)
    _make_first_kek(settings)
    house = open_house(settings)
    _migrate(house)
    request = making.make_deposit_keys(house, count=deposit_keys, at=_instant(at), first=True)
    _give(settings, request)
    out.print(f"Back up {settings.home} and the key database apart from each other: whoever has both has every key.")


@app.command()
def run(home: Home = None) -> None:
    """Run the key service for one shard (SPOJKA_KEYS_SHARD) until SIGTERM or Ctrl-C."""
    from hub.entrypoints.keys.running import serve  # noqa: PLC0415 - loads the Kafka client, which no other command needs

    set_up_logs("spojka-keys")
    house = open_house(load_settings(home=home))
    house.mapper()  # whether the hub's log can be read is told now
    _migrate(house)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(house))


@app.command()
def status(home: Home = None) -> None:
    """How far the log was read, and what is kept under which key-encryption key."""
    house = open_house(load_settings(home=home))
    with making.stores(house) as shards:
        for shard, store in enumerate(shards):
            state, keys = store.state(), store.deposit_keys()
            held = sum(1 for one in keys if one.secret is not None)
            wrapped = store.wrapped_under(house.kek.current)
            out.print(
                f"Shard {shard}: read up to position {state.position}; {held} deposit keys, {len(keys) - held} destroyed; "
                f"{wrapped} secrets under {house.kek.current}, {len(store.wrapped_not_under(house.kek.current, limit=1000))} "
                "under others."
            )


@app.command("rotate-deposit-key")
def rotate_deposit_key(count: Count = 1, at: At = None, home: Home = None) -> None:
    """Make the next deposit keys. Each is used for 30 days; its private half is destroyed 30 days later, when all sealed to it was taken."""
    settings = load_settings(home=home)
    _give(settings, making.make_deposit_keys(open_house(settings), count=count, at=_instant(at)))


@app.command("rotate-kek")
def rotate_kek(
    name: Annotated[str, typer.Argument(help="How the new key is called, for example kek-2.")] = "",
    forget: Annotated[str, typer.Option(help="Destroy an old key that wraps nothing any more.")] = "",
    home: Home = None,
) -> None:
    """Wrap every key under a new key-encryption key, while the service runs."""
    settings = load_settings(home=home)
    keeper = kek_keeper(settings.key_encryption)
    house = open_house(settings)
    if forget:
        making.forget_kek(house, keeper, name=forget)
        out.print(f"{forget} is gone.")
        return
    made = name or next_name(keeper.names())
    count = making.rotate_kek(house, keeper, name=made)
    out.print(
        f"{count} secrets are wrapped under {made}. Back it up; then destroy the old one: rotate-kek --forget NAME."
    )


@app.command()
def settings() -> None:
    """Every setting with its default."""
    out.print(described(), highlight=False)


def main() -> None:
    """The entry point of `spojka-keys`: errors of ours end with their advice, not with a traceback."""
    try:
        app()
    except Exception as error:
        if getattr(error, "advice", None) is None:
            raise
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def _migrate(house: KeysHouse) -> None:
    for shard in range(house.listed.shards):
        migrate(house.settings.database, shard, revisions=KEY_TABLES)


def _give(settings: KeysSettings, request: KeyServiceRequest) -> None:
    path = settings.home / PUBLIC
    path.write_text(request.model_dump_json(indent=1) + "\n", encoding="ascii")
    out.print(f"Public halves: {path}. Have them admitted: `spojka-hub trust-list add-key-service {path}`.")


def _make_first_kek(settings: KeysSettings) -> None:
    """Where nobody set another place: a file. In a security module: unless it has one."""
    if not settings.kek:
        KekFile(settings.home / "kek.json").create(KekSet.fresh(_FIRST_KEK))
    elif settings.kek.startswith("pkcs11:"):
        module = kek_keeper(settings.kek)
        if not module.names():
            module.make(_FIRST_KEK)


def _instant(at: datetime | None) -> datetime:
    return (at or datetime.now(UTC)).astimezone(UTC)


if __name__ == "__main__":
    main()
