"""`spojka-hub projections …`: how fresh the hub's read models are, and building one anew."""

import json
import sys
from typing import Annotated

import typer
from rich.table import Table

from hub.application.ports import HubError
from hub.entrypoints.cli.opening import AsJson, Home, databases, house_of, out
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.read_models import MODELS, ReadModels

app = typer.Typer(no_args_is_help=True, help="The hub's read models: access history and obligations.")


class UnknownReadModelError(HubError):
    """There is no read model of that name."""


@app.command()
def lag(
    as_json: AsJson = False,  # noqa: FBT002 - a command-line flag
    home: Home = None,
) -> None:
    """How far each read model is behind the log, and how far a rebuild still has to go."""
    house = house_of(home)
    now = house.clock.now()
    rows = [
        {
            "shard": database.shard,
            "name": name,
            "events": one.items,
            "seconds": round(one.seconds),
            "version": one.version,
            "rebuilding": one.rebuilding,
        }
        for database in databases(house)
        for name, one in ReadModels(database, house.mapper()).lag(now).items()
    ]
    if as_json:
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    table = Table("shard", "name", "events behind", "seconds behind", "version", "rebuild: still to read")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    out.print(table)


@app.command()
def rebuild(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(MODELS)}.")],
    home: Home = None,
) -> None:
    """Build a read model anew from the log, beside the one that serves; it takes over when it has come as far."""
    if name not in MODELS:
        raise UnknownReadModelError(f"There is no read model {name}.", advice=f"Name one of {', '.join(MODELS)}.")
    house = house_of(home)
    for database in databases(house, DatabaseUser.PROJECTIONS):
        models = ReadModels(database, house.mapper())
        models.prepare()
        models.rebuild(name)
    out.print("Begun. The projections role carries it on; see `spojka-hub projections lag`.")
