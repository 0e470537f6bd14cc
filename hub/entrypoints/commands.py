"""`spojka-hub`: what the operator of a programme types.

Exit codes: 0 done; 1 something is wrong, said on standard error with what to do; 2 wrong usage.
"""

import asyncio
import json
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from contracts.admission import read_request
from contracts.dsse import from_envelope, to_envelope
from contracts.errors import ContractsError
from contracts.keys import KeyUse, SigningKey
from contracts.messages.hub import TrustListPublished
from contracts.names import KeyId, ProgrammeId, UnitId
from contracts.pae import PayloadType
from contracts.trust_list import Directory, MandateEntry, TrustList, read_trust_list, sign_trust_list
from hub.application.admission import first_list, with_unit, without_key, without_unit
from hub.application.ports import HubError
from hub.entrypoints.house import FIRST_LIST, first_directory, open_house
from hub.entrypoints.publishing import Notice
from hub.entrypoints.publishing import publish as publish_notices
from hub.entrypoints.running import Role, run_roles
from hub.entrypoints.settings import described, load_settings
from hub.infrastructure.dead_letters import DeadLetterReader
from hub.infrastructure.key_files import KeyFiles
from hub.infrastructure.postgres.migrate import migrate as migrate_shard
from projections.process.logs import set_up_logs

app = typer.Typer(no_args_is_help=True, help="The hub of a Spojka programme.", pretty_exceptions_enable=False)
trust_list = typer.Typer(no_args_is_help=True, help="Institutions, units, keys, roles, mandates.")
dead_letters = typer.Typer(no_args_is_help=True, help="Records that spoke for nobody.")
app.add_typer(trust_list, name="trust-list")
app.add_typer(dead_letters, name="dead-letters")

_HUB_USES: Final = (KeyUse.MESSAGES, KeyUse.DELIVERIES)
Home = Annotated[Path | None, typer.Option(help="Folder with keys, trust list and hub.toml (SPOJKA_HUB_HOME).")]
out = Console()


def main() -> None:
    """Run a command; errors of ours end with their advice, not with a traceback."""
    try:
        app()
    except (HubError, ContractsError) as error:
        Console(stderr=True).print(f"[red]{error}[/red]")
        sys.exit(1)


@app.command()
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
    _save(settings.home, listed, root)
    out.print(
        f"Programme [b]{programme}[/b] is ready in {settings.home}. Keep {settings.home / 'root'} offline and backed up."
    )
    out.print(f"Give every unit {settings.home / FIRST_LIST}: it names the root key.")


@app.command()
def migrate(home: Home = None) -> None:
    """Create or upgrade the tables of every shard."""
    settings = load_settings(home=home)
    house = open_house(settings)
    for shard in range(house.programme.directory.listed.shards):
        migrate_shard(settings.database, shard)
    out.print("The database is up to date.")


@app.command()
def run(
    role: Annotated[list[Role] | None, typer.Option(help="Which roles to run; all when not given.")] = None,
    home: Home = None,
) -> None:
    """Run the hub until SIGTERM or Ctrl-C."""
    settings = load_settings(home=home)
    set_up_logs("spojka-hub")
    house = open_house(settings)
    migrate_shard(settings.database, settings.shard)

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run_roles(house, role or list(Role), stop)

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())


@app.command()
def settings() -> None:
    """Every setting with its default."""
    out.print(described(), highlight=False)


@trust_list.command("show")
def show(home: Home = None) -> None:
    """The newest list of the home folder."""
    directory = _newest(load_settings(home=home).home)
    table = Table("unit", "institution", "roles", "secrecy", "sanctions", "keys", title=f"version {directory.version}")
    for unit in directory.listed.units:
        valid = [key.key_id for key in unit.keys if key.revoked is None]
        table.add_row(
            unit.unit,
            unit.institution,
            ", ".join(unit.roles),
            _yes(unit.bound_by_secrecy),
            _yes(unit.can_sanction),
            "\n".join(valid),
        )
    out.print(table)


@trust_list.command("admit")
def admit(  # noqa: PLR0913, PLR0917 - what the operator decides about a unit
    request: Annotated[Path, typer.Argument(help="What the unit's adapter printed.", exists=True)],
    role: Annotated[list[str] | None, typer.Option(help="Class of units that a grant may name.")] = None,
    secrecy: Annotated[bool, typer.Option(help="The unit is bound by secrecy.")] = False,  # noqa: FBT002 - a command-line flag
    sanctions: Annotated[bool, typer.Option(help="The unit can sanction: it is never given conduct.")] = False,  # noqa: FBT002 - a command-line flag
    mandates: Annotated[Path | None, typer.Option(help="JSON list of mandates.", exists=True)] = None,
    at: Annotated[datetime | None, typer.Option(help="Issue date, for a story.")] = None,
    home: Home = None,
) -> None:
    """Add a unit: the next version of the list, signed with the root key, not yet published."""
    folder = load_settings(home=home).home
    directory = _newest(folder)
    wanted = read_request(request.read_bytes())
    listed = with_unit(
        directory,
        wanted,
        at=_after(directory, at),
        roles=role or (),
        bound_by_secrecy=secrecy,
        can_sanction=sanctions,
        mandates=[MandateEntry.model_validate(one) for one in json.loads(mandates.read_text())] if mandates else (),
    )
    _save(folder, listed, KeyFiles(folder / "root").load(KeyUse.DIRECTORY))
    out.print(f"Version {listed.version} admits {wanted.unit}. Publish it with `spojka-hub trust-list publish`.")


@trust_list.command("revoke-key")
def revoke_key(
    key: str,
    compromised_since: Annotated[datetime | None, typer.Option(help="What it signed since is flagged.")] = None,
    at: Annotated[datetime | None, typer.Option(help="From when on, for a story.")] = None,
    home: Home = None,
) -> None:
    """Revoke a unit's key in the next version."""
    folder = load_settings(home=home).home
    directory = _newest(folder)
    listed = without_key(directory, KeyId(key), at=_after(directory, at), compromised_since=compromised_since)
    _save(folder, listed, KeyFiles(folder / "root").load(KeyUse.DIRECTORY))
    out.print(f"Version {listed.version} revokes {key}. Publish it with `spojka-hub trust-list publish`.")


@trust_list.command("dismiss")
def dismiss(
    unit: str, at: Annotated[datetime | None, typer.Option(help="From when on, for a story.")] = None, home: Home = None
) -> None:
    """End a unit's admission in the next version."""
    folder = load_settings(home=home).home
    directory = _newest(folder)
    listed = without_unit(directory, UnitId(unit), at=_after(directory, at))
    _save(folder, listed, KeyFiles(folder / "root").load(KeyUse.DIRECTORY))
    out.print(f"Version {listed.version} dismisses {unit}. Publish it with `spojka-hub trust-list publish`.")


@trust_list.command("publish")
def publish(home: Home = None) -> None:
    """Send every version of the home folder to the hub; what it has already is recognised."""
    settings = load_settings(home=home)
    house = open_house(settings)
    now = house.clock.now()
    documents = [_published(path, now) for path in _versions(settings.home)]
    asyncio.run(publish_notices(house, documents))
    out.print(f"{len(documents)} version(s) sent, up to {documents[-1][0].version}.")


@dead_letters.command("list")
def list_dead_letters(
    limit: Annotated[int, typer.Option(help="How many, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002 - a command-line flag
    home: Home = None,
) -> None:
    """Where each lay, why it spoke for nobody, and its digest."""
    letters = DeadLetterReader(open_house(load_settings(home=home)).database).newest(limit)
    if as_json:
        sys.stdout.write(json.dumps([one.document() for one in letters]) + "\n")
        return
    table = Table("place", "reason", "bytes", "sha-256")
    for one in letters:
        table.add_row(f"{one.topic}[{one.partition}]@{one.offset}", one.reason, str(one.size), one.digest.hex()[:16])
    out.print(table)


def _published(path: Path, now: datetime) -> Notice:
    """Under the time when it was issued, so that it is the same message each time."""
    envelope = path.read_bytes()
    signed, _ = from_envelope(envelope)
    listed = TrustList.model_validate_json(signed.payload)
    facts = TrustListPublished(version=listed.version, digest=signed.digest.hex(), document=envelope.decode())
    return facts, min(listed.issued_at, now)


def _versions(home: Path) -> list[Path]:
    found = sorted(home.glob("trust-list-*.dsse.json"), key=lambda path: int(path.name.split("-")[2].split(".")[0]))
    if not found:
        first_directory(home)
    return found


def _newest(home: Path) -> Directory:
    directory, _ = first_directory(home)
    for path in _versions(home)[1:]:
        signed, _ = from_envelope(path.read_bytes())
        issued = TrustList.model_validate_json(signed.payload).issued_at
        directory = read_trust_list(signed, before=directory, roots={}, at=issued)
    return directory


def _save(home: Path, listed: TrustList, root: SigningKey) -> None:
    envelope = to_envelope(sign_trust_list(listed, root), PayloadType.TRUST_LIST)
    path = home / f"trust-list-{listed.version}.dsse.json"
    path.write_bytes(envelope)


def _after(directory: Directory, at: datetime | None) -> datetime:
    """A version is never older than the one before."""
    return max((at or datetime.now(UTC)).astimezone(UTC), directory.listed.issued_at)


def _yes(value: bool) -> str:  # noqa: FBT001 - it is the value shown
    return "yes" if value else ""
