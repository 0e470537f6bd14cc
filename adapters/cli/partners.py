"""Partners without an adapter: asking them by e-mail, and what became of it.

Invariant: what is shown of an e-mail is the partner's address and answer, nothing about the client.
"""

import asyncio
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from adapters.cli.answers import as_json, show, tell
from adapters.cli.opening import AsJson, By, Home, Lang, Opened, Unit, opened
from adapters.drafts import ClientKey
from adapters.partners.asking import Partner, ask, send_again
from adapters.process.unit_house import UnitHouse
from adapters.settings import SettingsError, load_settings
from adapters.storage.partner_mails import PartnerMail
from adapters.words import Language
from contracts.categories import Category
from projections.process.ending import set_when_told
from projections.process.logs import set_up_logs

if TYPE_CHECKING:
    from adapters.partners.server import AnswerServer

app = typer.Typer(no_args_is_help=True, help="Ask somebody outside the programme by e-mail, without personal data.")
_SHOWN: Final = 8
_COLUMNS: Final = ("number", "when", "partner", "address", "referral", "standing", "answer", "reason")


@app.command("ask")
def ask_partner(  # noqa: PLR0913 - one option a field
    client: Annotated[str, typer.Argument(help="Your case number; it does not leave.")],
    *,
    category: Annotated[Category, typer.Option(help="What help is asked for.")],
    mail: Annotated[str, typer.Option(help="The partner's address.")],
    name: Annotated[str, typer.Option(help="The partner's name.")],
    answer_due: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day for an answer.")],
    language: Annotated[Language, typer.Option(help="The partner's language.")] = "en",
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Ask a partner whether they can help. Works before any consent, since nothing about the person is said."""
    with opened(home, unit, lang) as here:
        sent = ask(
            here.house,
            ClientKey(client),
            category,
            Partner(mail, name, language),
            answer_due=here.end_of(answer_due.date()),
            occasion=here.occasion(actor, None),
        )
        here.out.print(sent.referral_id, markup=False)
        tell(here, [sent.recorded])


@app.command("list")
def list_mails(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """All that were asked: waiting, sent, answered, and what could not be delivered."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            found = tx.partner_mails.all()
        if as_lines:
            as_json([_document(one) for one in found])
            return
        show(here, "partners", _COLUMNS, [_row(here, one) for one in found])


@app.command()
def resend(
    number: Annotated[str, typer.Argument(help="The e-mail, as the list shows it.")],
    *,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Try an e-mail again that was given up."""
    with opened(home, unit, lang) as here:
        if not send_again(here.house, number):
            here.out.print(here.words["mail.not-dead"], markup=False)
            raise typer.Exit(1)


def answer_page(home: Home = None) -> None:
    """Serve the page on which partners answer, for all units, until told to stop (Ctrl-C, SIGTERM)."""
    from adapters.partners.server import AnswerServer  # noqa: PLC0415 - the web is loaded where it is served only

    settings = load_settings(home)
    if not settings.unit_names:
        raise SettingsError(f"There is no unit in {settings.home}", advice="Make one: spojka-adapter enrol UNIT …")
    set_up_logs("adapter")
    with ExitStack() as stack:
        houses = []
        for name in settings.unit_names:
            houses.append(UnitHouse.open(settings, name))
            stack.callback(houses[-1].close)
        asyncio.run(_serve(AnswerServer(settings, houses)))


async def _serve(server: "AnswerServer") -> None:
    stop = asyncio.Event()
    set_when_told(stop)
    await server.run(stop)


def _row(here: Opened, one: PartnerMail) -> list[str]:
    words = here.words
    answers = {"accept": "referral.accepted", "wait": "referral.waitlisted", "decline": "referral.declined"}
    return [
        one.mail_id[:_SHOWN],
        here.local(one.asked_at),
        one.partner,
        one.address,
        one.referral_id,
        words[f"mail.{one.state.value}"],
        "" if one.answer is None else words[answers[one.answer]],
        one.problem or "",
    ]


def _document(one: PartnerMail) -> dict[str, object]:
    return {
        "mail": one.mail_id,
        "referral": one.referral_id,
        "partner": one.partner,
        "address": one.address,
        "asked_at": one.asked_at,
        "expires_at": one.expires_at,
        "state": one.state.value,
        "attempts": one.attempts,
        "problem": one.problem,
        "answer": one.answer,
    }
