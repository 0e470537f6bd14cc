"""What was refused and waits for a person: looked at, corrected, sent again.

Invariant: nothing disappears here; a corrected item goes out under a new id that names the refused one.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from adapters import draft_json
from adapters.cli.answers import as_json, show, tell
from adapters.cli.opening import AsJson, ChoiceError, Home, Lang, Opened, Unit, opened
from adapters.storage.quarantine import QuarantineItem

app = typer.Typer(no_args_is_help=True, help="What is to be corrected and sent again.")

Number = Annotated[int, typer.Argument(help="The number that the list shows.")]


@app.command("list")
def list_items(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """All open items."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            items = tx.quarantine.open_items()
        if as_lines:
            as_json([_document(one) for one in items])
            return
        show(here, "to-correct", ("number", "when", "client", "reason", "details"), [_row(here, one) for one in items])


@app.command("show")
def show_item(number: Number, *, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """One item as JSON, ready to be corrected in an editor."""
    with opened(home, unit, lang) as here:
        draft = here.house.desk.draft_of(number)
        if draft is None:
            raise ChoiceError(
                f"Number {number} is a row of an import, or is not there",
                advice="Correct it in the system that it came from, and import again.",
            )
        document = json.loads(draft_json.write(draft))
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


@app.command()
def resend(
    number: Number,
    corrected: Annotated[Path, typer.Argument(help="What `show` printed, corrected.", exists=True)],
    *,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Send the corrected item."""
    with opened(home, unit, lang) as here:
        compact = json.dumps(json.loads(corrected.read_bytes()), ensure_ascii=False, separators=(",", ":")).encode()
        tell(here, [here.house.desk.resend(number, draft_json.read(compact))])


def _row(here: Opened, one: QuarantineItem) -> list[str]:
    refused = one.refused
    with here.house.store.read() as tx:
        client = None if refused.subject is None else tx.clients.client_of(refused.subject)
    when = here.local(refused.quarantined_at)
    return [str(one.number), when, client or refused.local_key or "", refused.code, refused.explanation]


def _document(one: QuarantineItem) -> dict[str, object]:
    refused = one.refused
    return {
        "number": one.number,
        "origin": refused.origin.value,
        "code": refused.code,
        "explanation": refused.explanation,
        "message": refused.message_id,
        "row": refused.local_key,
        "since": refused.quarantined_at,
    }
