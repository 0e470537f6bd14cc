"""`spojka-audit token …` and `spojka-audit serve`: who may use the auditor's page, and the page itself. Typed by the operator, on the hub's machine.

Invariant: a token is printed once, when it is made; the list tells everything but the token.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.audit.cli.screen import AsJson, out, say_json, table

if TYPE_CHECKING:
    from hub.audit.page.tokens import AuditorTokens

app = typer.Typer(no_args_is_help=True, help="Who may use the auditor's page of this hub.")

Home = Annotated[Path | None, typer.Option(help="Folder of the hub (SPOJKA_HUB_HOME).")]
TokenId = Annotated[str, typer.Argument(help="Its number, as the list shows it.")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="A pseudonym of the auditor, which clients will read: dpo-1.")],
    *,
    days: Annotated[
        int | None, typer.Option(min=1, max=3660, help="How many days it is valid; else until it is ended.")
    ] = None,
    home: Home = None,
) -> None:
    """Make a token and print it. It cannot be printed again."""
    valid = None if days is None else timedelta(days=days)
    sys.stdout.write(_tokens(home).issue(name, valid=valid).text + "\n")


@app.command()
def rotate(token: TokenId, *, home: Home = None) -> None:
    """Make another token for the same auditor, print it, and end the old one. Nothing needs a restart."""
    sys.stdout.write(_tokens(home).rotate(token).text + "\n")


@app.command()
def end(token: TokenId, *, home: Home = None) -> None:
    """It lets nobody in from now on; who is signed in with it is signed out. Nothing needs a restart."""
    _tokens(home).end(token)


@app.command("list")
def list_tokens(*, as_json: AsJson = False, home: Home = None) -> None:
    """All tokens that there ever were, without what they are."""
    known = _tokens(home).all()
    if as_json:
        say_json([one.model_dump(mode="json", exclude={"digest"}) for one in known])
        return
    rows = [
        [
            one.token_id,
            one.reader,
            f"{one.made_at:%Y-%m-%d %H:%M%z}",
            f"{one.ends_at:%Y-%m-%d %H:%M%z}" if one.ends_at else "",
        ]
        for one in known
    ]
    out.print(table("Auditors", ("token", "auditor", "made", "until"), rows))


def serve(home: Home = None) -> None:
    """Serve the auditor's page until SIGTERM or Ctrl-C: search, replay, duties, alarms, ledger (SPOJKA_HUB_AUDIT_…)."""
    from hub.audit.page.server import serve_page  # noqa: PLC0415 - the web and a database are loaded where a page is served only

    serve_page(home, told=lambda address: out.print(f"The auditor's page: {address}", soft_wrap=True))


def _tokens(home: Path | None) -> "AuditorTokens":
    from hub.audit.page.tokens import tokens_of  # noqa: PLC0415 - settings are loaded where there is a hub only
    from hub.entrypoints.settings import load_settings  # noqa: PLC0415 - as above

    return tokens_of(load_settings(home=home))
