"""`spojka-hub trust-list …`: institutions, units, keys, roles, mandates."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from contracts.admission import read_request
from contracts.keys import KeyUse
from contracts.names import KeyId, UnitId
from contracts.trust_list import MandateEntry
from hub.application.admission import with_keys, with_unit, without_key, without_unit
from hub.application.hub_keys import read_request as read_keys
from hub.application.hub_keys import with_key_service
from hub.entrypoints.cli.list_files import issue_date, newest, published, save, versions
from hub.entrypoints.cli.opening import Home, house_of, out
from hub.entrypoints.settings import load_settings
from hub.infrastructure.key_files import KeyFiles

app = typer.Typer(no_args_is_help=True, help="Institutions, units, keys, roles, mandates.")
At = Annotated[datetime | None, typer.Option(help="From when on, for a story.")]


@app.command()
def show(home: Home = None) -> None:
    """The newest list of the home folder."""
    directory = newest(load_settings(home=home).home)
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


@app.command()
def admit(  # noqa: PLR0913, PLR0917 - what the operator decides about a unit
    request: Annotated[Path, typer.Argument(help="What the unit's adapter printed.", exists=True)],
    role: Annotated[list[str] | None, typer.Option(help="Class of units that a grant may name.")] = None,
    secrecy: Annotated[bool, typer.Option(help="The unit is bound by secrecy.")] = False,  # noqa: FBT002 - a command-line flag
    sanctions: Annotated[bool, typer.Option(help="The unit can sanction: it is never given conduct.")] = False,  # noqa: FBT002 - a command-line flag
    mandates: Annotated[Path | None, typer.Option(help="JSON list of mandates.", exists=True)] = None,
    at: At = None,
    home: Home = None,
) -> None:
    """Add a unit: the next version of the list, signed with the root key, not yet published."""
    folder = load_settings(home=home).home
    directory = newest(folder)
    wanted = read_request(request.read_bytes())
    listed = with_unit(
        directory,
        wanted,
        at=issue_date(directory, at),
        roles=role or (),
        bound_by_secrecy=secrecy,
        can_sanction=sanctions,
        mandates=[MandateEntry.model_validate(one) for one in json.loads(mandates.read_text())] if mandates else (),
    )
    save(folder, listed, KeyFiles(folder / "root").load(KeyUse.DIRECTORY))
    out.print(f"Version {listed.version} admits {wanted.unit}. Publish it with `spojka-hub trust-list publish`.")


@app.command("add-key")
def add_key(
    request: Annotated[Path, typer.Argument(help="What `spojka-adapter new-key` printed.", exists=True)],
    at: At = None,
    home: Home = None,
) -> None:
    """Give an admitted unit its next key in the next version; the old one stays valid until it is revoked."""
    folder = load_settings(home=home).home
    directory = newest(folder)
    wanted = read_request(request.read_bytes())
    listed = with_keys(directory, wanted, at=issue_date(directory, at))
    save(folder, listed, KeyFiles(folder / "root").load(KeyUse.DIRECTORY))
    out.print(
        f"Version {listed.version} has a new key of {wanted.unit}. Publish it with `spojka-hub trust-list publish`."
    )


@app.command("add-key-service")
def add_key_service(
    request: Annotated[Path, typer.Argument(help="What `spojka-keys` wrote.", exists=True)],
    at: At = None,
    home: Home = None,
) -> None:
    """Admit keys of the key service: from the first deposit key on, units seal what they publish."""
    folder = load_settings(home=home).home
    directory = newest(folder)
    listed = with_key_service(directory, read_keys(request.read_bytes()), at=issue_date(directory, at))
    save(folder, listed, KeyFiles(folder / "root").load(KeyUse.DIRECTORY))
    out.print(f"Version {listed.version} has the keys. Publish it with `spojka-hub trust-list publish`.")


@app.command("revoke-key")
def revoke_key(
    key: str,
    compromised_since: Annotated[datetime | None, typer.Option(help="What it signed since is flagged.")] = None,
    at: At = None,
    home: Home = None,
) -> None:
    """Revoke a unit's key in the next version."""
    folder = load_settings(home=home).home
    directory = newest(folder)
    since = None if compromised_since is None else compromised_since.astimezone(UTC)
    listed = without_key(directory, KeyId(key), at=issue_date(directory, at), compromised_since=since)
    save(folder, listed, KeyFiles(folder / "root").load(KeyUse.DIRECTORY))
    out.print(f"Version {listed.version} revokes {key}. Publish it with `spojka-hub trust-list publish`.")


@app.command()
def dismiss(unit: str, at: At = None, home: Home = None) -> None:
    """End a unit's admission in the next version."""
    folder = load_settings(home=home).home
    directory = newest(folder)
    listed = without_unit(directory, UnitId(unit), at=issue_date(directory, at))
    save(folder, listed, KeyFiles(folder / "root").load(KeyUse.DIRECTORY))
    out.print(f"Version {listed.version} dismisses {unit}. Publish it with `spojka-hub trust-list publish`.")


@app.command()
def publish(home: Home = None) -> None:
    """Send every version of the home folder to every shard; what it has already is recognised."""
    from hub.entrypoints.publishing import publish as send  # noqa: PLC0415 - loads the Kafka client, which no other of these commands needs

    house = house_of(home)
    notices = [published(path, house.clock.now()) for path in versions(house.settings.home)]
    asyncio.run(send(house, notices))
    out.print(f"{len(notices)} version(s) sent, up to {notices[-1][0].version}.")


def _yes(value: bool) -> str:  # noqa: FBT001 - it is the value shown
    return "yes" if value else ""
