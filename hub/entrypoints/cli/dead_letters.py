"""`spojka-hub dead-letters …`: records that spoke for nobody."""

import json
import sys
from typing import Annotated

import typer
from rich.table import Table

from hub.entrypoints.cli.opening import AsJson, Home, databases, house_of, out
from hub.infrastructure.dead_letters import DeadLetterReader

app = typer.Typer(no_args_is_help=True, help="Records that spoke for nobody.")


@app.callback()
def dead_letters() -> None:
    """Records that spoke for nobody."""


@app.command("list")
def list_them(
    limit: Annotated[int, typer.Option(help="How many of each shard, the newest first.")] = 50,
    as_json: AsJson = False,  # noqa: FBT002 - a command-line flag
    home: Home = None,
) -> None:
    """Where each lay, why it spoke for nobody, and its digest."""
    letters = [one for database in databases(house_of(home)) for one in DeadLetterReader(database).newest(limit)]
    if as_json:
        sys.stdout.write(json.dumps([one.document() for one in letters]) + "\n")
        return
    table = Table("place", "reason", "bytes", "sha-256")
    for one in letters:
        table.add_row(f"{one.topic}[{one.partition}]@{one.offset}", one.reason, str(one.size), one.digest.hex()[:16])
    out.print(table)
