"""`verify`: whether everything holds."""

from pathlib import Path
from typing import Annotated, Final

import typer

from contracts.admission import read_first_list
from contracts.ledger import signed_note
from hub.audit.bundle import Bundle
from hub.audit.cli.screen import (
    VIOLATED,
    AsJson,
    BundleFolder,
    PolicyFile,
    out,
    progress_of,
    read_policy,
    say_json,
    table,
)
from hub.audit.evidence_files import write_evidence
from hub.audit.findings import FindingCode
from hub.audit.verification import Report
from hub.audit.verification import verify as verify_bundle
from hub.audit.verification_work import UNKNOWN

_SHOWN: Final = 50
_NEXT: Final = (
    "Keep this export as it is. Run again with --evidence FOLDER: anybody who has the policy can check what that holds."
)
MEANINGS: Final = {
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
    FindingCode.READ: "a unit read what was not open to it, or no longer",
    FindingCode.CONTRADICTED: "history was rewritten or taken back since somebody saw it",
    FindingCode.ERASED: "content is missing that nobody had erased",
    FindingCode.OTHER_OUTLINE: "what an erasure would leave is not what the message says",
    FindingCode.INDEX: "the export says something else of itself than is in it",
}


def verify(  # noqa: PLR0913 - what an auditor may name
    bundle: BundleFolder,
    *,
    policy: PolicyFile,
    root: Annotated[
        list[str] | None, typer.Option(help="Root key id that you were told by another way; may be repeated.")
    ] = None,
    seen: Annotated[
        list[Path] | None,
        typer.Option(
            help="A checkpoint seen before, or by another auditor, that this must extend; may be repeated.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(
            help="A new folder: the row of each finding, the proof that the ledger vouches for it, the checkpoints."
        ),
    ] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="How many processes share the work.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check signatures, ledger and witnesses, and run every decision again. Exit code 1 where anything does not hold."""
    opened = Bundle.open(bundle)
    _, roots = read_first_list(opened.first_list)
    strangers = sorted(set(root or roots) ^ set(roots)) if root else []
    notes = [signed_note.parse(one.read_text(encoding="utf-8")) for one in seen or ()]
    with progress_of("verifying", opened.manifest.rows, quiet=as_json) as progress:
        report = verify_bundle(opened, read_policy(policy), seen=notes, progress=progress, processes=processes)
    if evidence is not None:
        write_evidence(opened, {one.position for one in report.findings}, evidence, seen=notes)
    if as_json:
        say_json(_document(report, strangers, sorted(roots)))
    else:
        _show(report, strangers, sorted(roots), evidence)
    if strangers or not report.holds:
        raise typer.Exit(VIOLATED)


def _document(report: Report, strangers: list[str], roots: list[str]) -> dict[str, object]:
    return {
        "holds": report.holds and not strangers,
        "origin": report.origin,
        "size": report.size,
        "rows": report.rows,
        "part": report.part,
        "counts": report.counts,
        "witnesses": list(report.witnesses),
        "root_keys": roots,
        "unexpected_root_keys": strangers,
        "findings": [
            {
                "code": one.code.value,
                "position": None if one.position == UNKNOWN else one.position,
                "detail": one.detail,
                "meaning": MEANINGS[one.code],
            }
            for one in report.findings
        ],
    }


def _show(report: Report, strangers: list[str], roots: list[str], evidence: Path | None) -> None:
    out.print(f"{report.origin}: {report.rows:,} rows, checkpoint of size {report.size:,}", markup=False)
    counts = ", ".join(f"{count:,} {name}" for name, count in report.counts.items())
    out.print(f"Run again: {counts}. Witnesses: {', '.join(report.witnesses) or 'none'}.", markup=False)
    out.print(f"Root keys, to compare with what you were told: {', '.join(roots)}", markup=False)
    if report.part:
        out.print("This is a part: what is in it was checked; whether its end was left out only the whole log tells.")
    if strangers:
        out.print(f"Other root keys than you named: {', '.join(strangers)}", style="red", markup=False)
    if report.holds:
        out.print("[green]Everything holds.[/green]" if not strangers else "Nothing else was found.")
        return
    rows = [
        ("–" if one.position == UNKNOWN else str(one.position), one.code.value, f"{MEANINGS[one.code]}: {one.detail}")
        for one in report.findings[:_SHOWN]
    ]
    out.print(
        table("Found", ("position", "code", "what it means, and what was found"), rows, whole=("position", "code"))
    )
    if len(report.findings) > _SHOWN:
        out.print(f"… and {len(report.findings) - _SHOWN} more: --json has all.")
    out.print(_NEXT if evidence is None else f"What to hand on is in {evidence}.", markup=False, soft_wrap=True)
