"""`spojka-hub ledger …`: units that signed for another history than the ledger's, and who looked into it.

Invariant: nothing is taken away; what was acknowledged stays listed, with who did it and why.
"""

import json
import sys
from typing import Annotated

import typer
from rich.table import Table

from hub.entrypoints.cli.opening import AsJson, Home, house_of, listed_of, out
from hub.entrypoints.house import House
from hub.infrastructure.ledger_alarms import LedgerAlarm, LedgerAlarms

app = typer.Typer(no_args_is_help=True, help="Units that signed for another history than the ledger's.")
Shard = Annotated[int, typer.Option(min=0, help="The shard, as `ledger alarms` shows it.")]
Number = Annotated[int, typer.Argument(min=1, help="The number of the alarm, as `ledger alarms` shows it.")]
By = Annotated[str, typer.Option(help="Who looked into it.")]
Why = Annotated[str, typer.Option(help="What was found. Stays on record.")]


@app.command()
def alarms(
    as_json: AsJson = False,  # noqa: FBT002 - a command-line flag
    home: Home = None,
) -> None:
    """Every alarm there was, with the checkpoint that the unit signed; open ones warn in /health, in metrics and on the auditor's page."""
    house = house_of(home)
    found = [one for shard in range(listed_of(house).shards) for one in LedgerAlarms(house.settings.home, shard).all()]
    if as_json:
        sys.stdout.write(json.dumps([_document(one) for one in found], indent=1) + "\n")
        return
    table = Table("shard", "number", "unit", "raised", "saw entries", "acknowledged")
    for one in found:
        looked = one.acknowledged
        said = "open" if looked is None else f"{looked.at.isoformat(timespec='seconds')} {looked.by}: {looked.why}"
        when, size = one.raised.at.isoformat(timespec="seconds"), str(one.raised.sighting.size)
        table.add_row(str(one.shard), str(one.number), one.unit, when, size, said)
    out.print(table)


@app.command()
def acknowledge(number: Number, by: By, why: Why, shard: Shard = 0, home: Home = None) -> None:
    """Say that an alarm was looked into, by whom and what was found. Another one of the same unit rings again.

    It is written beside the alarm, in the hub's home (`ledger-alarms/SHARD/NUMBER`), not into the log: auditors get it by `ledger alarms --json`.
    """
    house: House = house_of(home)
    done = LedgerAlarms(house.settings.home, shard).acknowledge(number, by=by, why=why, at=house.clock.now())
    out.print(f"Alarm {done.number} about {done.unit} is acknowledged; it stays in `spojka-hub ledger alarms`.")


def _document(one: LedgerAlarm) -> dict[str, object]:
    looked = None if one.acknowledged is None else one.acknowledged.model_dump(mode="json")
    raised = one.raised.model_dump(mode="json", exclude_none=True)
    return {"shard": one.shard, "number": one.number, **raised, "acknowledged": looked}
