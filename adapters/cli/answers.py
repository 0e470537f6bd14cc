"""What a command says after it recorded something.

Invariant: whatever was refused says why and under which number it waits for a correction; the exit code is 2 then.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import typer
from rich.markup import escape
from rich.table import Table

from adapters.cli.opening import Opened
from adapters.desk.recorded import Recorded, RecordedState

REFUSED: Final = 2
"""Exit code where something waits for a correction."""
NOT_WELL: Final = 1
"""Exit code where something stops the work with the hub."""


def tell(opened: Opened, recorded: Iterable[Recorded]) -> None:
    """One line each; ends the command with `REFUSED` where one was refused."""
    refused = False
    for one in recorded:
        refused = refused or one.state is RecordedState.REFUSED
        opened.out.print(_line(opened, one), soft_wrap=True, markup=False)
    if refused:
        raise typer.Exit(REFUSED)


def _line(opened: Opened, one: Recorded) -> str:
    words = opened.words
    parts = [f"{words['recorded']}: {words[f'state.{one.state.value}']}"]
    if one.explanation:
        parts.append(one.explanation)
    if one.quarantine is not None:
        parts.append(f"{words['open-item']} {one.quarantine}")
    if one.repeated:
        parts.append(words["repeated"])
    return "; ".join(parts)


def show(opened: Opened, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table; `title` and `columns` are keys of the words."""
    if not rows:
        opened.out.print(f"{opened.words[title]}: {opened.words['nothing']}", markup=False)
        return
    table = Table(*[opened.words[name] for name in columns], title=opened.words[title])
    for row in rows:
        table.add_row(*[escape(cell) for cell in row])
    opened.out.print(table)


def as_json(rows: Sequence[Mapping[str, object]]) -> None:
    """The same for machines, on one line."""
    sys.stdout.write(json.dumps([dict(row) for row in rows], ensure_ascii=False, default=str) + "\n")
