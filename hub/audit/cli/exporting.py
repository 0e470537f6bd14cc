"""`export` and `policy`: what an operator gives to an auditor. The only commands that open the hub's database."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from contracts.names import SubjectId
from hub.audit.cli.screen import out

Home = Annotated[Path | None, typer.Option(help="Folder of the hub, with its ledger.")]


def export(
    folder: Annotated[Path, typer.Argument(help="A new folder for the export.")],
    *,
    subject: Annotated[list[str] | None, typer.Option(help="Only about this client; may be repeated.")] = None,
    since: Annotated[
        str | None,
        typer.Option("--from", help="Only about whom something was recorded from then on: a day, or an instant."),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Nothing later than this.")] = None,
    home: Home = None,
) -> None:
    """Write one shard's log as far as its last checkpoint, or a part of it that can be verified without the rest.

    A part holds everything about whom it concerns, from their beginning on, since decisions rest on what came before.
    """
    from hub.audit.exporting import Asked, export_log  # noqa: PLC0415 - verifying must not need a database

    asked = Asked(subjects=tuple(map(SubjectId, subject or ())), since=since, until=until)
    written = export_log(folder, home, asked)
    of = "" if written.part is None else " of a part"
    out.print(f"{written.rows} rows{of} and their checkpoint are in {folder}.", markup=False, soft_wrap=True)


def policy(home: Home = None) -> None:
    """Print a policy that trusts this hub's ledger key and its witnesses: for an auditor to compare, and to add witnesses to."""
    from hub.audit.exporting import policy_of  # noqa: PLC0415 - as above

    sys.stdout.write(policy_of(home))
