"""Erasure for a client across all institutions (GDPR Art. 17): asked for here, and what became of it.

Invariant: the unit's own records stay: what to do with them is its own law's business, and the command says so.
"""

from typing import Annotated

import typer

from adapters.cli.answers import as_json, show, tell
from adapters.cli.opening import AsJson, By, Happened, Home, Lang, Opened, Unit, opened
from adapters.desk.actions.duties import AskedErasure
from adapters.drafts import ClientKey
from contracts.categories import Category

app = typer.Typer(no_args_is_help=True, help="What a client wants erased at all institutions.")


@app.command()
def request(  # noqa: PLR0913 - one option a field
    client: Annotated[str, typer.Argument(help="Your case number.")],
    *,
    category: Annotated[
        list[Category] | None, typer.Option(help="Only what is about this; repeat it. Without it: everything.")
    ] = None,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """The client asks that what was shared until now be erased. Every unit that was given some of it must erase it and say so."""
    with opened(home, unit, lang) as here:
        occasion = here.occasion(actor, time)
        recorded = here.house.desk.ask_erasure(ClientKey(client), category or (), occasion=occasion)
        tell(here, [recorded])
        here.out.print(here.words["erasure-own-records"], markup=False, soft_wrap=True)


@app.command("list")
def list_erasures(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """What was asked for here, and since when it is done: at the hub, and beyond its backups."""
    with opened(home, unit, lang) as here:
        found = here.house.desk.erasures()
        if as_lines:
            as_json([_document(here, one) for one in found])
            return
        show(
            here,
            "erasures",
            ("when", "client", "about", "erased-live", "erased-beyond"),
            [_row(here, o) for o in found],
        )


def _client(here: Opened, one: AskedErasure) -> str | None:
    with here.house.store.read() as tx:
        return tx.clients.client_of(one.subject)


def _row(here: Opened, one: AskedErasure) -> list[str]:
    words, done = here.words, one.carried_out
    about = ", ".join(words.code("category", category) for category in one.categories)
    dates = [here.local(done.live_at), here.local(done.beyond_at)] if done else [words["erasure-not-yet"], ""]
    return [
        here.local(one.asked_at),
        _client(here, one) or words["unknown-client"],
        about or words["everything"],
        *dates,
    ]


def _document(here: Opened, one: AskedErasure) -> dict[str, object]:
    done = one.carried_out
    return {
        "request": one.message_id,
        "client": _client(here, one),
        "asked_at": one.asked_at,
        "categories": list(one.categories),
        "live_at": None if done is None else done.live_at,
        "beyond_at": None if done is None else done.beyond_at,
    }
