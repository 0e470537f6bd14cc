"""Alarms: signs that the hub shows different people different things, or speaks for this unit. A person looks and dismisses.

Invariant: dismissing changes nothing but that the alarm no longer shows; its evidence stays. After one about the proof record, what was seen of it is
forgotten, so that the unit can begin anew with whatever the person found to be right.
"""

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.answers import as_json, show
from adapters.cli.opening import AsJson, ChoiceError, Home, Lang, Unit, opened
from adapters.storage.alarms import OF_LEDGER

app = typer.Typer(no_args_is_help=True, help="What a person must look at before anything else.")
Number = Annotated[int, typer.Argument(help="The number that the list shows.")]


@app.command("list")
def list_alarms(
    *,
    every: Annotated[bool, typer.Option("--all", help="Dismissed ones too.")] = False,
    as_lines: AsJson = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """What nobody has dismissed yet."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            found = tx.alarms.all() if every else tx.alarms.open()
        if as_lines:
            as_json(
                [
                    {"number": one.number, "kind": one.kind.value, "detail": one.detail, "raised_at": one.raised_at,
                     "dismissed_at": one.dismissed_at}
                    for one in found
                ]
            )  # fmt: skip
            return
        rows = [
            [str(one.number), here.local(one.raised_at), here.words[f"alarm.{one.kind.value}"], one.detail]
            for one in found
        ]
        show(here, "alarms", ("number", "when", "meaning", "details"), rows)


@app.command()
def evidence(
    number: Number,
    file: Annotated[Path, typer.Argument(help="A new file, for the operator, another institution or an auditor.")],
    *,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Write what an alarm rests on into a file: what was signed, as it came."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            found = next((one for one in tx.alarms.all() if one.number == number), None)
        if found is None:
            raise ChoiceError(f"There is no alarm {number}", advice="See them with `spojka-adapter alarm list --all`.")
        with file.open("xb") as target:
            target.write(found.evidence)


@app.command()
def dismiss(number: Number, *, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """Say that a person has looked and settled it with the operator."""
    with opened(home, unit, lang) as here:
        with here.house.store.write() as tx:
            found = next((one for one in tx.alarms.open() if one.number == number), None)
            if found is None:
                raise ChoiceError(
                    f"There is no open alarm {number}", advice="See them with `spojka-adapter alarm list`."
                )
            tx.alarms.dismiss(number, at=here.house.clock.now())
            if found.kind in OF_LEDGER and found.shard is not None:
                tx.ledger.forget(found.shard)
        here.out.print(here.words["alarm.dismissed"].format(number=number), markup=False)
