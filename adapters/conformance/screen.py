"""How a report shows: a table for people, JSON for machines."""

import json
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.table import Table

from adapters.conformance.report import Outcome, Report

_STYLE: Final = {Outcome.HELD: "green", Outcome.BROKEN: "bold red", Outcome.NOT_SEEN: "yellow"}


def as_json(report: Report) -> str:
    """`{"side", "exit_code", "requirements": [{"id", "level", "outcome", "evidence", "text", "reference"}]}`."""
    rows = [
        {
            "id": one.requirement.id,
            "level": one.requirement.level,
            "outcome": one.outcome,
            "evidence": list(one.evidence),
            "text": one.requirement.text,
            "reference": one.requirement.reference,
        }
        for one in report.findings()
    ]
    return json.dumps(
        {"side": report.side, "exit_code": report.exit_code(), "requirements": rows}, ensure_ascii=False, indent=1
    )


def table(report: Report) -> Table:
    """One row a requirement; the reference where it was broken or not seen."""
    shown = Table("requirement", "level", "outcome", "what was seen", title=f"Conformance: {report.side}")
    for one in report.findings():
        name, outcome = one.requirement.id, one.outcome
        seen = "\n".join(one.evidence)
        if outcome is not Outcome.HELD:
            seen = "\n".join(filter(None, (seen, one.requirement.text, f"See {one.requirement.reference}.")))
        shown.add_row(name, one.requirement.level, f"[{_STYLE[outcome]}]{outcome}[/]", seen)
    return shown


def teller(console: Console) -> Callable[[str], None]:
    """Says on the console what happens, as plain text."""
    return lambda text: console.print(text, markup=False, highlight=False)
