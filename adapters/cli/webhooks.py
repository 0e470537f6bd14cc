"""Where news of this unit are sent, and what did not get through.

Invariant: the secret of a webhook is printed once, when it is added.
"""

import sys
from typing import Annotated

import typer

from adapters.cli.answers import as_json, show
from adapters.cli.opening import AsJson, Home, Lang, Opened, Unit, opened
from adapters.followers.webhooks import secrets_kept, set_up
from adapters.followers.webhooks.set_up import Wanted
from adapters.storage.webhooks import DeliveryState, KeptDelivery, KeptWebhook
from projections.process.clock import SystemClock

app = typer.Typer(no_args_is_help=True, help="News of this unit for other systems, signed as Standard Webhooks says.")

Name = Annotated[str, typer.Argument(help="Its name, as the list shows it.")]


@app.command()
def add(  # noqa: PLR0913 - one option a field
    name: Annotated[str, typer.Argument(help="A short name: a-z, 0-9 and hyphens.")],
    url: Annotated[str, typer.Argument(help="Where news go: https://host/path")],
    *,
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="Type of entry to tell of; repeat it; without it: all.")
    ] = None,
    content: Annotated[
        bool, typer.Option(help="Own entries go along whole, where the settings allow it (webhook_content).")
    ] = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Send news there from now on. Prints the secret by which the receiver knows them; it cannot be printed again."""
    secret = secrets_kept.fresh()
    with opened(home, unit, lang) as here, here.house.store.write() as tx:
        wanted = Wanted(name, url, tuple(kind or ()), content)
        set_up.add(tx, here.house.folder, wanted, secret=secret, at=SystemClock().now())
    sys.stdout.write(secret + "\n")


@app.command("list")
def list_webhooks(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """All webhooks, and how much waits for each."""
    with opened(home, unit, lang) as here, here.house.store.read() as tx:
        found = [
            (
                one,
                len(tx.webhooks.in_state(DeliveryState.WAITING, one.name)),
                len(tx.webhooks.in_state(DeliveryState.DEAD, one.name)),
            )
            for one in tx.webhooks.all()
        ]
        if as_lines:
            as_json([_document(*one) for one in found])
            return
        rows = [[one.name, one.url, ", ".join(one.types), str(waiting), str(dead)] for one, waiting, dead in found]
        show(here, "webhooks", ("name", "address", "what", "waiting-count", "dead-count"), rows)


@app.command()
def dead(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """What did not get through, and why."""
    with opened(home, unit, lang) as here, here.house.store.read() as tx:
        found = tx.webhooks.in_state(DeliveryState.DEAD)
        if as_lines:
            as_json([_delivery(one) for one in found])
            return
        show(here, "dead", ("number", "name", "when", "reason"), [_row(here, one) for one in found])


@app.command()
def resend(
    number: Annotated[int, typer.Argument(help="The number that `dead` shows.")],
    *,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Try one that did not get through anew, under the same id."""
    with opened(home, unit, lang) as here, here.house.store.write() as tx:
        set_up.resend(tx, number, at=SystemClock().now())


@app.command()
def remove(name: Name, *, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """Send nothing there any more; what waits for it is dropped."""
    with opened(home, unit, lang) as here, here.house.store.write() as tx:
        set_up.remove(tx, here.house.folder, name, at=SystemClock().now())


def _row(here: Opened, one: KeptDelivery) -> list[str]:
    return [str(one.number), one.webhook, here.local(one.made_at), one.problem or ""]


def _document(one: KeptWebhook, waiting: int, given_up: int) -> dict[str, object]:
    return {
        "name": one.name, "url": one.url, "types": list(one.types), "content": one.content, "waiting": waiting, "dead": given_up,
    }  # fmt: skip


def _delivery(one: KeptDelivery) -> dict[str, object]:
    return {
        "number": one.number, "webhook": one.webhook, "id": one.webhook_id, "made": one.made_at, "problem": one.problem,
    }  # fmt: skip
