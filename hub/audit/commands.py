"""`spojka-audit`: what an auditor types.

Exit codes: 0 everything holds; 1 something does not, or an export or policy does not read; 2 wrong usage. `verify` needs nothing but the export and
the policy file: no database, no network, no settings.
"""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from contracts.admission import read_first_list
from contracts.errors import ContractsError
from contracts.ledger import policy as policies
from contracts.ledger.checkpoint import parse as parse_checkpoint
from contracts.names import SubjectId
from hub.application.ports import HubError
from hub.audit.bundle import Bundle
from hub.audit.findings import FindingCode
from hub.audit.replay import replay as replay_subject
from hub.audit.replay_report import as_document, as_tables
from hub.audit.verification import Report
from hub.audit.verification import verify as verify_bundle

VIOLATED: Final = 1
_SHOWN: Final = 50
_MEANINGS: Final = {
    FindingCode.GAP: "a row was dropped, inserted or moved",
    FindingCode.ROOT_MISMATCH: "the rows are not those that were signed for",
    FindingCode.NOT_ACCEPTED: "the checkpoint is not what the policy accepts",
    FindingCode.SIZE_MISMATCH: "rows are missing, or some that nobody vouches for were added",
    FindingCode.UNREADABLE: "a row is no event",
    FindingCode.TIME_RAN_BACK: "an event is older than the one before it",
    FindingCode.BAD_SIGNATURE: "a message was not signed by its author",
    FindingCode.NUMBER: "a message does not follow the author's last one",
    FindingCode.WRONG_BASIS: "a decision rested on something else than stood in the log",
    FindingCode.NOT_PERMITTED: "accepted, although the rules refuse it",
    FindingCode.OTHER_RECIPIENTS: "given to others than the rules say",
    FindingCode.UNTRUSTED_LIST: "a trust list that nobody may trust",
    FindingCode.MISPLACED: "a message stands under another client or stream than its own",
    FindingCode.REPEATED: "a message was decided twice",
    FindingCode.MISSING: "what had to follow was never said",
    FindingCode.UNFOUNDED: "the hub said what nothing gave rise to",
}

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
out = Console(highlight=False)
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.callback()
def spojka_audit() -> None:
    """Check what a hub decided, without trusting whoever runs it."""


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A new folder for the export.")],
    home: Annotated[Path | None, typer.Option(help="Folder of the hub, with its ledger.")] = None,
) -> None:
    """Write one shard's log as far as its last checkpoint, with the checkpoint and the first trust list."""
    from hub.audit.exporting import export_log  # noqa: PLC0415 - verifying must not need a database

    count = export_log(folder, home)
    out.print(f"{count} rows and their checkpoint are in {folder}.")


@app.command()
def policy(home: Annotated[Path | None, typer.Option(help="Folder of the hub.")] = None) -> None:
    """Print a policy that trusts this hub's ledger key and no witness: for an auditor to compare, and to add witnesses to."""
    from hub.audit.exporting import policy_of  # noqa: PLC0415 - as above

    sys.stdout.write(policy_of(home))


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="The export.", exists=True, file_okay=False)],
    *,
    policy: Annotated[Path, typer.Option(help="What you trust: a C2SP tlog-policy.", exists=True, dir_okay=False)],
    root: Annotated[
        list[str] | None, typer.Option(help="Root key id that you were told by another way; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check signatures, ledger and witnesses, and run every decision again. Exit code 1 where anything does not hold."""
    opened = Bundle.open(bundle)
    _, roots = read_first_list(opened.first_list)
    strangers = sorted(set(root or roots) ^ set(roots)) if root else []
    trusted = policies.parse(policy.read_text(encoding="utf-8"))
    size = parse_checkpoint(opened.note.text).size
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=as_json) as progress:
        task = progress.add_task("verifying", total=size)
        report = verify_bundle(opened, trusted, progress=lambda done: progress.update(task, completed=done))
    if as_json:
        sys.stdout.write(json.dumps(_document(report, strangers, sorted(roots)), indent=1) + "\n")
    else:
        _show(report, strangers, sorted(roots))
    if strangers or not report.holds:
        raise typer.Exit(VIOLATED)


@app.command()
def replay(
    bundle: Annotated[Path, typer.Argument(help="The export.", exists=True, file_okay=False)],
    *,
    subject: Annotated[str, typer.Option(help="The client's subject.")],
    at: Annotated[datetime, typer.Option(help="As of when, with offset: 2026-06-03T12:00:00+02:00.")],
    as_json: AsJson = False,
) -> None:
    """What the log said about a client at a time: reasons to share, who could see which entry and why, who looked, open duties."""
    if at.tzinfo is None:
        raise typer.BadParameter("write the time with its offset, so that it is the same for everybody")
    found = replay_subject(Bundle.open(bundle), SubjectId(subject), at)
    if as_json:
        sys.stdout.write(json.dumps(as_document(found), indent=1) + "\n")
        return
    for table in as_tables(found):
        out.print(table)


def _document(report: Report, strangers: list[str], roots: list[str]) -> dict[str, object]:
    return {
        "holds": report.holds and not strangers,
        "origin": report.origin,
        "size": report.size,
        "rows": report.rows,
        "counts": report.counts,
        "witnesses": list(report.witnesses),
        "root_keys": roots,
        "unexpected_root_keys": strangers,
        "findings": [
            {"code": one.code.value, "position": one.position, "detail": one.detail, "meaning": _MEANINGS[one.code]}
            for one in report.findings
        ],
    }


def _show(report: Report, strangers: list[str], roots: list[str]) -> None:
    out.print(f"{report.origin}: {report.rows:,} rows, checkpoint of size {report.size:,}", markup=False)
    counts = ", ".join(f"{count:,} {name}" for name, count in report.counts.items())
    out.print(f"Run again: {counts}. Witnesses: {', '.join(report.witnesses) or 'none'}.", markup=False)
    out.print(f"Root keys, to compare with what you were told: {', '.join(roots)}", markup=False)
    if strangers:
        out.print(f"[red]Other root keys than you named: {', '.join(strangers)}[/red]")
    if report.holds:
        out.print("[green]Everything holds.[/green]")
        return
    table = Table("position", "what", "means", "found")
    for one in report.findings[:_SHOWN]:
        table.add_row(str(one.position), one.code.value, _MEANINGS[one.code], one.detail)
    out.print(table)
    if len(report.findings) > _SHOWN:
        out.print(f"… and {len(report.findings) - _SHOWN} more: --json has all.")


def main() -> None:
    """The entry point of `spojka-audit`."""
    try:
        app()
    except (HubError, ContractsError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(VIOLATED)
