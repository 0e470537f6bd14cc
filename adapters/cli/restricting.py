"""Restriction of processing (GDPR Art. 18): nothing more is given about a client until the unit that said so lifts it."""

from typing import Annotated

import typer

from adapters.cli.answers import tell
from adapters.cli.opening import By, Happened, Home, Lang, Unit, opened
from adapters.drafts import ClientKey
from contracts.categories import Category

Client = Annotated[str, typer.Argument(help="Your case number.")]


def restrict(  # noqa: PLR0913 - one option a field
    client: Client,
    *,
    category: Annotated[
        list[Category] | None, typer.Option(help="Only what is about this; repeat it. Without it: everything.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="For the parties alone.")] = None,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """The client contests something, or wants it kept but not used: nothing of it is given to anyone until you lift it."""
    with opened(home, unit, lang) as here:
        occasion, about = here.occasion(actor, time), tuple(category or ())
        tell(here, [here.house.desk.restrict(ClientKey(client), categories=about, reason=reason, occasion=occasion)])


def lift(  # noqa: PLR0913 - one option a field
    client: Client,
    *,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """This unit's restrictions no longer hold; what they held back leaves now."""
    with opened(home, unit, lang) as here:
        tell(here, [here.house.desk.lift_restriction(ClientKey(client), occasion=here.occasion(actor, time))])
