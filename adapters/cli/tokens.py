"""Tokens of the local API: made, listed, replaced, revoked.

Invariant: a token is printed once, when it is made; the list tells everything but the token.
"""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from adapters.cli.answers import as_json, show
from adapters.cli.opening import AsJson, Home, Lang, Opened, Unit, opened
from adapters.process import tokens
from adapters.process.tokens import Scope
from adapters.storage.api_tokens import KeptToken

app = typer.Typer(no_args_is_help=True, help="Who may use the local API of this unit.")

TokenId = Annotated[str, typer.Argument(help="Its number, as the list shows it.")]


@app.command()
def new(  # noqa: PLR0913 - one option a field
    label: Annotated[str, typer.Argument(help="Which system it is for.")],
    *,
    scope: Annotated[list[Scope], typer.Option(help="What it opens; repeat it.")],
    days: Annotated[
        int | None, typer.Option(min=1, help="How many days it is valid; else until it is revoked.")
    ] = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Make a token and print it. It cannot be printed again."""
    with opened(home, unit, lang) as here:
        valid = None if days is None else timedelta(days=days)
        sys.stdout.write(tokens.issue(here.house, label=label, scopes=scope, valid=valid).text + "\n")


@app.command()
def rotate(
    token: TokenId,
    *,
    overlap_hours: Annotated[int, typer.Option(min=0, help="How long the old one still works.")] = 0,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Make a token with the same scopes, print it, and end the old one. Nothing needs a restart."""
    with opened(home, unit, lang) as here:
        issued = tokens.rotate(here.house, token, overlap=timedelta(hours=overlap_hours))
        sys.stdout.write(issued.text + "\n")


@app.command()
def revoke(token: TokenId, *, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """It lets nobody in from now on. Nothing needs a restart."""
    with opened(home, unit, lang) as here:
        tokens.revoke(here.house, token)


@app.command("list")
def list_tokens(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """All tokens that there ever were, without what they are."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            known = tx.api_tokens.all()
        if as_lines:
            as_json([_document(here, one) for one in known])
            return
        show(here, "tokens", ("number", "what-for", "opens", "until", "standing"), [_row(here, one) for one in known])


def _row(here: Opened, one: KeptToken) -> list[str]:
    until = "" if one.expires_at is None else here.local(one.expires_at)
    standing = here.words["valid" if one.valid(here.house.clock.now()) else "ended"]
    return [one.token_id, one.label, " ".join(sorted(one.scopes)), until, standing]


def _document(here: Opened, one: KeptToken) -> dict[str, object]:
    return {
        "token": one.token_id,
        "label": one.label,
        "scopes": sorted(one.scopes),
        "created": one.created_at,
        "expires": one.expires_at,
        "revoked": one.revoked_at,
        "valid": one.valid(here.house.clock.now()),
    }
