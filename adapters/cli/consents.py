"""Consents: taken, attested, withdrawn, narrowed, and which end soon.

Invariant: the command says what the client said, to the day; dates end in the programme's time zone.
"""

from datetime import datetime
from typing import Annotated

import typer

from adapters.cli.answers import as_json, tell
from adapters.cli.ending_consents import document, ending_of, report_ending, show_ending
from adapters.cli.opening import AsJson, By, ByWhom, Happened, Home, Lang, Unit, opened
from adapters.desk.actions.consents import Paper, Terms
from adapters.drafts import ClientKey
from adapters.process.looks import Look
from adapters.process.showing import hidden_now
from contracts.categories import Category
from contracts.grants import Recipient
from contracts.names import ActorId, GroundId, UnitId

app = typer.Typer(no_args_is_help=True, help="What the client agreed to.")

Client = Annotated[str, typer.Argument(help="Your case number.")]
Consent = Annotated[str, typer.Argument(help="Id of the consent, as `timeline --json` shows it.")]


@app.command()
def take(  # noqa: PLR0913 - one option a field
    client: Client,
    *,
    source: Annotated[list[str], typer.Option(help="Unit whose entries are shared; repeat it.")],
    recipient: Annotated[list[str], typer.Option(help="unit:NAME or class:ROLE that may see them; repeat it.")],
    category: Annotated[list[Category], typer.Option(help="What about; repeat it.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day.")],
    history_from: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Entries from this day on; else from now on.")
    ] = None,
    paper: Annotated[list[str] | None, typer.Option(help="What the paper is (paper-kind codes); repeat it.")] = None,
    explicit: Annotated[bool, typer.Option(help="Explicit consent (GDPR Art. 9), needed for health.")] = False,
    evidence: Annotated[str, typer.Option(help="Where the paper is; only the parties can read it.")] = "paper on file",
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """The client said yes."""
    with opened(home, unit, lang) as here:
        terms = Terms(
            sources=[UnitId(one) for one in source],
            recipients=[Recipient(one) for one in recipient],
            categories=category,
            until=until.date(),
            history_from=None if history_from is None else history_from.date(),
        )
        kinds = tuple(paper or ("consent",))
        written = Paper(kinds=kinds, evidence=evidence, explicit=explicit)
        occasion = here.occasion(actor, time)
        recorded = here.house.desk.take_consent(ClientKey(client), terms, written, occasion=occasion)
        here.out.print(recorded.consent_id, markup=False)
        tell(here, recorded.messages)


@app.command()
def attest(  # noqa: PLR0913 - one option a field
    client: Client,
    consent: Consent,
    *,
    method: Annotated[str, typer.Option(help="How it was seen (attestation-method code).")] = "saw-original",
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """This unit has seen the paper: its own entries may be shared from now on."""
    with opened(home, unit, lang) as here:
        occasion = here.occasion(actor, time)
        tell(here, [here.house.desk.attest(ClientKey(client), GroundId(consent), method=method, occasion=occasion)])


@app.command()
def withdraw(  # noqa: PLR0913 - one option a field
    client: Client,
    consent: Consent,
    *,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """The client takes a whole consent back."""
    with opened(home, unit, lang) as here:
        occasion = here.occasion(actor, time)
        tell(here, [here.house.desk.withdraw(ClientKey(client), GroundId(consent), occasion=occasion)])


@app.command()
def narrow(  # noqa: PLR0913 - one option a field
    client: Client,
    consent: Consent,
    *,
    recipient: Annotated[list[str], typer.Option(help="Who may still see; repeat it.")],
    category: Annotated[list[Category], typer.Option(help="What is still shared; repeat it.")],
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """The client keeps only a part of a consent."""
    with opened(home, unit, lang) as here:
        recorded = here.house.desk.narrow(
            ClientKey(client),
            GroundId(consent),
            recipients=[Recipient(one) for one in recipient],
            categories=category,
            occasion=here.occasion(actor, time),
        )
        tell(here, recorded.messages)


@app.command()
def ending(*, actor: ByWhom, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """Consents that end soon and were not renewed, the soonest first. The look is reported."""
    with opened(home, unit, lang) as here:
        found = ending_of(here.house, others_visible=hidden_now(here.house) is None)
        report_ending(here.house, found, look=Look(ActorId(actor)))
        if as_lines:
            as_json([document(here, one) for one in found])
            return
        show_ending(here, found)
