"""What the commands share of the screen: options, tables, progress, exit codes.

Invariant: results go to standard output and progress to standard error, so that `--json` can be piped.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from contracts.ledger import policy as policies
from contracts.ledger.policy import Policy
from contracts.ledger.signed_note import NoteError
from hub.application.ports import HubError

VIOLATED: Final = 1
"""Something does not hold, or an export, policy or checkpoint does not read."""
WRONG_USAGE: Final = 2
"""What was typed cannot be asked."""
UNREACHABLE: Final = 3
"""`watch --once`: the ledger could not be read, so nothing is known."""

CODES: Final = (
    "Exit codes: 0 everything holds, or the question was answered; 1 something does not hold (each finding is listed), or an export, policy or "
    "checkpoint does not read, or says nothing of whom was asked for; 2 wrong usage; 3 a watched ledger could not be reached."
)

out: Final = Console(highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
BundleFolder = Annotated[Path, typer.Argument(help="The export.", exists=True, file_okay=False)]
PolicyFile = Annotated[Path, typer.Option(help="What you trust: a C2SP tlog-policy.", exists=True, dir_okay=False)]
ProvingPolicy = Annotated[
    Path | None,
    typer.Option("--policy", help="Prove each row that is read to stand in the ledger.", exists=True, dir_okay=False),
]
Subject = Annotated[str, typer.Option(help="The client's subject.")]


class PolicyFileError(HubError):
    """What was named as a policy is none."""


_A_POLICY: Final = (
    "Write it as c2sp.org/tlog-policy says; `spojka-audit policy`, at the operator's, prints one to begin with."
)


def read_policy(file: Path) -> Policy:
    """A policy from its file. Raises `PolicyFileError`."""
    try:
        return policies.parse(file.read_text(encoding="utf-8"))
    except (NoteError, ValueError) as error:
        problem = error.problem if isinstance(error, NoteError) else "it is no text"
        raise PolicyFileError(f"{file} is no policy: {problem}.", advice=_A_POLICY) from error


def say_json(document: object) -> None:
    """For machines."""
    sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], *, whole: Sequence[str] = ()) -> Table:
    """A table of text as it is. `whole`: headings of columns whose words are never broken, since somebody copies them."""
    made = Table(title=title)
    for heading in headings:
        made.add_column(heading, no_wrap=heading in whole, overflow="fold")
    for row in rows:
        made.add_row(*[escape(cell) for cell in row])
        if any("\n" in cell for cell in row):
            made.add_section()
    return made


@contextmanager
def progress_of(what: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, told how much is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
