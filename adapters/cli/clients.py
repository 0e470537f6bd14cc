"""Clients: beginning to work with one, and joining one who came by another unit with one's own.

Invariant: a client is named by the unit's own case number; the wire's pseudonym is shown to nobody but machines.
"""

from typing import Annotated

import typer

from adapters.cli import duplicates, identifying, merging, pairing, restricting
from adapters.cli.answers import as_json, tell
from adapters.cli.opening import AsJson, By, Happened, Home, Lang, Opened, Unit, opened
from adapters.cli.referral_choice import find_referral
from adapters.desk.actions.occasion import Occasion
from adapters.drafts import ClientKey
from contracts.messages.client import ClientContent

app = typer.Typer(
    no_args_is_help=True, help="Begin to work with a client; link one who was referred to us, or who brings a code."
)
app.command("pair-code")(pairing.pair_code)
app.command("pair")(pairing.pair)
app.command("codes")(pairing.codes)
app.command("merge")(merging.merge)
app.command("merges")(merging.list_merges)
app.command("review")(merging.review)
app.command("split")(merging.split)
app.command("duplicates")(duplicates.duplicates)
app.command("different")(duplicates.different)
app.command("identify")(identifying.identify)
app.command("restrict")(restricting.restrict)
app.command("lift")(restricting.lift)


@app.command()
def enrol(  # noqa: PLR0913 - one option a field
    client: Annotated[str, typer.Argument(help="Your case number.")],
    *,
    status: Annotated[str | None, typer.Option(help="Status code.")] = None,
    given_name: Annotated[str | None, typer.Option(help="Only for those with a reason to see it.")] = None,
    family_name: Annotated[str | None, typer.Option(help="Only for those with a reason to see it.")] = None,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Record that the unit works with a person. It stays here until there is a reason to share."""
    with opened(home, unit, lang) as here:
        content = ClientContent(given_name=given_name, family_name=family_name)
        occasion: Occasion = here.occasion(actor, time)
        tell(here, [here.house.desk.enrol(ClientKey(client), status=status, content=content, occasion=occasion)])


@app.command()
def link(
    referral: Annotated[str, typer.Argument(help="The referral, as the worklist shows it.")],
    client: Annotated[str, typer.Argument(help="Your case number for this person.")],
    *,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Say which of your clients a referral is about."""
    with opened(home, unit, lang) as here:
        here.house.desk.adopt(find_referral(here.house, referral).subject, ClientKey(client))


@app.command("list")
def list_clients(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """All clients of this unit."""
    with opened(home, unit, lang) as here:
        _list(here, as_lines=as_lines)


def _list(here: Opened, *, as_lines: bool) -> None:
    with here.house.store.read() as tx:
        known = tx.clients.all()
    if as_lines:
        as_json([{"client": client, "subject": subject} for client, subject in known])
        return
    for client, _ in known:
        here.out.print(client, markup=False)
