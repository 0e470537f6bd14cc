"""What a person at the terminal sees: progress on standard error, then timelines, worklists and promises."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.catalogue import PREFIX
from deploy.story.clock import ZONE
from deploy.story.looks import Looks, UnitLook
from deploy.story.places import INSTITUTIONS, UNITS
from deploy.story.promises.finding import Promise
from deploy.story.script import OPERATOR, Row

_WIDE: Final = 160
_NOT_FOR_PEOPLE: Final = frozenset(
    {"consent_id", "bundle_id", "evidence_hash", "evidence", "salt", "notice_version", "method", "legal_effect"}
    | {"referral_id", "question_id", "obligation_id", "ground_id", "digest", "parent", "external", "as_reported"}
)
_INSTANT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}\S*")


class Progress:
    """A line a row of the story, on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(escape(text), soft_wrap=True)

    def row(self, row: Row) -> None:
        """A row that is about to be played."""
        who = "[bold yellow]—[/]" if row.who == OPERATOR else f"[bold cyan]{escape(row.who.upper())}[/]"
        self._console.print(f"[dim]{row.day}[/] {who} {escape(row.what)}", soft_wrap=True)


def console() -> Console:
    """Standard output; not cut to 80 columns where it goes into a file."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_WIDE)


def show_units(out: Console, looks: Looks) -> None:
    """Each institution's timelines and worklists."""
    names = {plan.institution: plan.name for plan in INSTITUTIONS}
    for institution, units in looks.items():
        out.rule(f"[bold]{escape(names[institution])}")
        for one in units:
            _timeline(out, one)
            _worklist(out, one)


def show_promises(out: Console, promises: Sequence[Promise], events: Mapping[str, int]) -> None:
    """The table of the promises, and what was counted."""
    table = Table(
        "promise", "held", "what was observed", title="The promises, by what the processes stored", show_lines=True
    )
    for one in promises:
        held = "[bold green]yes[/]" if one.held else "[bold red]NO[/]"
        table.add_row(escape(f"{one.id.split('-')[0]}. {one.title}"), held, escape(one.evidence))
    out.print(table)
    out.print("events: " + ", ".join(f"{count} {name}" for name, count in events.items()))


def _timeline(out: Console, one: UnitLook) -> None:
    if not one.timeline:
        out.print(f"{escape(one.name)} ({one.unit}): nothing of Karel is here.")
        return
    table = Table(
        "when",
        "who",
        "what",
        "about",
        "details",
        "standing",
        title=f"{escape(one.name)} ({one.unit}): Karel's timeline",
    )
    for entry in one.timeline:
        table.add_row(*(escape(cell) for cell in _entry(entry)))
    out.print(table)


def _entry(entry: Mapping[str, Any]) -> Sequence[str]:
    author = UNITS.get(entry["author"])
    kind = (entry["type"] or "").removeprefix(PREFIX).rsplit(".", 1)[0]
    standing = entry["kind"] if entry["kind"] != "own" else entry["state"] or ""
    corrected = " (corrected)" if entry["corrected"] else ""
    when = datetime.fromisoformat(entry["time"]).astimezone(ZONE)
    return (
        f"{when:%Y-%m-%d}",
        entry["author"] if author is None else author.name,
        kind,
        entry["category"] or "",
        "; ".join([*_values(entry["facts"]), *_values(entry["content"])]) + corrected,
        standing,
    )


def _values(part: Mapping[str, Any] | None) -> Sequence[str]:
    shown = [] if part is None else [value for name, value in part.items() if name not in _NOT_FOR_PEOPLE]
    return [
        _INSTANT.sub(r"\1", str(value))
        for value in shown
        if isinstance(value, str | int) and not isinstance(value, bool)
    ]


def _worklist(out: Console, one: UnitLook) -> None:
    if one.worklist:
        table = Table("sent", "from", "to", "about", "state", "due", title=f"{escape(one.name)} ({one.unit}): worklist")
        for row in one.worklist:
            due = f"{row['due'] or ''}{' overdue' if row['overdue'] else ''}"
            table.add_row(row["sent"], row["source"], row["target"], row["category"], row["state"], due)
        out.print(table)
    if one.outside:
        out.print(f"and {one.outside} referrals to places outside the programme, from the import")
