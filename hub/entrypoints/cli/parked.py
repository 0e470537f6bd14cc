"""`spojka-hub parked …`: messages that met an unexpected fault of the hub, with everything behind them.

Invariant: nothing is decided here; the shard's writer, the only one who may, does what is asked at its next step.
"""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.table import Table

from contracts.names import RecordKey
from hub.application.ports import HubError
from hub.domain.shards import shard_of
from hub.entrypoints.cli.opening import AsJson, Home, databases, house_of, listed_of, out, telling
from hub.infrastructure.parked_messages import ParkedMessages

app = typer.Typer(
    no_args_is_help=True, help="Messages that met an unexpected fault of the hub, and what stands behind them."
)
Key = Annotated[str, typer.Argument(help="Record key as `parked list` shows it: a subject, or a source.")]
First = Annotated[bool, typer.Option("--first", help="Refuse the oldest one only, decide the others again.")]
_PATIENCE: Final = 10.0
"""Seconds to wait for the writer."""


class NothingParkedError(HubError):
    """The operator names a key under which nothing is parked."""


@app.command("list")
def list_them(
    as_json: AsJson = False,  # noqa: FBT002 - a command-line flag
    home: Home = None,
) -> None:
    """What is parked, by key, with the fault that was met; no content."""
    found = [one for database in databases(house_of(home)) for one in ParkedMessages(database).all()]
    if as_json:
        sys.stdout.write(json.dumps([one.document() for one in found]) + "\n")
        return
    table = Table("key", "source", "id", "since", "fault")
    for one in found:
        table.add_row(one.key, one.source, one.message_id, one.at.isoformat(timespec="seconds"), one.fault)
    out.print(table)


@app.command()
def retry(key: Key, home: Home = None) -> None:
    """Decide everything parked under a key again, in its order: after the fault was mended."""
    _ask(home, RecordKey(key), "retry")


@app.command()
def refuse(
    key: Key,
    first: First = False,  # noqa: FBT002 - a command-line flag
    home: Home = None,
) -> None:
    """Refuse everything parked under a key (operator-refused): each author gets a receipt and can correct and resend."""
    _ask(home, RecordKey(key), "refuse-first" if first else "refuse")


def _ask(home: Path | None, key: RecordKey, verb: Literal["retry", "refuse", "refuse-first"]) -> None:
    house = house_of(home)
    listed = listed_of(house)
    shard = shard_of(key, partitions=listed.partitions, shards=listed.shards)
    parked = ParkedMessages(databases(house)[shard])
    before = sum(one.key == key for one in parked.all())
    if not before:
        raise NothingParkedError(f"Nothing is parked under {key}.", advice="See `spojka-hub parked list`.")
    parked.ask(key, verb)
    if not _done(parked, key):
        out.print("Asked. No writer has taken it up yet: it will as soon as one runs (`spojka-hub run --role intake`).")
        return
    left = sum(one.key == key for one in parked.all())
    out.print(f"{before} message(s) were parked, {left} are now.")


def _done(parked: ParkedMessages, key: RecordKey) -> bool:
    end = time.monotonic() + _PATIENCE
    with telling("Waiting for the writer …"):
        while parked.asked(key):
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
    return True
