"""The report of an import as tables on a terminal.

Invariant: everything that a cell of the file says is printed as text, never as markup or control characters.
"""

from itertools import islice
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adapters.connectors.import_words import ADVICE, REASONS, Lang, word
from adapters.connectors.importing import Imported
from adapters.connectors.report import ImportReport

MOST_SHOWN: Final = 50
"""Refusals on the terminal; all of them are in the JSON."""


def print_report(report: ImportReport, imported: Imported | None, *, lang: Lang, console: Console) -> None:
    """Print what was read, made and refused; `imported` is None after a dry run."""
    console.print(_counts(word("file", lang), word("rows", lang), report.rows))
    if report.unmapped:
        console.print(f"{word('unmapped', lang)}: {escape(', '.join(report.unmapped))}")
    for table, columns in report.unmapped_columns.items():
        console.print(f"{word('unmapped-columns', lang)}: {escape(table)}: {escape(', '.join(columns))}")
    messages = {name.removeprefix("eu.spojka."): count for name, count in sorted(report.messages.items())}
    console.print(_counts(word("entry", lang), word("count", lang), messages))
    console.print(f"{report.subjects} {word('clients', lang)}; {report.refused} {word('refused', lang)}")
    if report.refused:
        console.print(_refusals(report, lang))
        if report.refused > MOST_SHOWN:
            console.print(word("more", lang))
    if imported is None:
        console.print(word("trial", lang))
    else:
        console.print(_counts(word("entry", lang), word("count", lang), _states(imported, lang)))


def _states(imported: Imported, lang: Lang) -> dict[str, int]:
    names = {"waiting": "waiting", "held": "held", "refused": "refused-entries"}
    counts = {word(names[state], lang): count for state, count in imported.states.items()}
    return counts | {word("repeated", lang): imported.repeated}


def _counts(left: str, right: str, counts: dict[str, int]) -> Table:
    table = Table(left, right)
    table.columns[1].justify = "right"
    for name, count in counts.items():
        table.add_row(escape(name), str(count))
    return table


def _refusals(report: ImportReport, lang: Lang) -> Table:
    table = Table(*(word(name, lang) for name in ("file", "row", "column", "value", "reason", "to-do")))
    for one in islice(report.refusals(), MOST_SHOWN):
        reason = REASONS[one.reason][lang] + (f" ({one.detail})" if one.detail else "")
        cells = (one.file, str(one.row or ""), one.column, one.value, reason, ADVICE[one.reason][lang])
        table.add_row(*(escape(cell) for cell in cells))
    return table
