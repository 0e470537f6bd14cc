"""Copies that leave the adapter: tables for a spreadsheet, and which copies there are.

Invariants: every export is a look and reported with who made it; every copy is listed until it is destroyed, so that an erasure reaches it.
"""

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.answers import as_json, show
from adapters.cli.fhir_export import app
from adapters.cli.opening import AsJson, ByWhom, ChoiceError, Home, Lang, Opened, Unit, WhatFor, opened
from adapters.followers.exporting import export_tables
from adapters.process.looks import Look
from adapters.storage.exports import Export
from contracts.categories import Purpose
from contracts.names import ActorId

__all__ = ["app"]


@app.command()
def tables(  # noqa: PLR0913 - one option a field
    to: Annotated[Path, typer.Argument(help="A folder for CSV files, or a workbook (.xlsx).")],
    *,
    actor: ByWhom,
    purpose: WhatFor = Purpose.SUPPORT,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Timeline and referrals of all clients, for a spreadsheet. The look is reported; what must be erased later is cut out again."""
    with opened(home, unit, lang) as here:
        count = export_tables(here.house, to, look=Look(ActorId(actor), purpose), words=here.words)
        here.out.print(f"{here.words['exported']}: {count} ({to})", markup=False, soft_wrap=True)


@app.command("list")
def list_copies(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """Every copy that was made and still exists."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            copies = tx.exports.existing()
        if as_lines:
            as_json([_document(one) for one in copies])
            return
        show(here, "copies", ("number", "when", "who", "copy-place"), [_row(here, one) for one in copies])


@app.command()
def destroyed(
    number: Annotated[int, typer.Argument(help="Its number, from the list.")],
    *,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Say that a copy does not exist any more: a print in the shredder, a file deleted wherever it was."""
    with opened(home, unit, lang) as here:
        with here.house.store.write() as tx:
            if not tx.exports.end(number, at=here.house.clock.now()):
                raise ChoiceError(f"There is no copy {number}", advice="Take the number from `export list`.")
        here.out.print(f"{here.words['copy-ended']}: {number}", markup=False)


def _row(here: Opened, one: Export) -> list[str]:
    return [str(one.number), here.local(one.made_at), one.made_by, one.path or here.words["copy-printed"]]


def _document(one: Export) -> dict[str, object]:
    return {"number": one.number, "path": one.path, "form": one.form, "by": one.made_by, "made_at": one.made_at}
