"""What a unit does with a referral: one command a move of the referral table.

Invariant: a move that the table does not allow to this unit is refused before anything is sent, with the reason.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Final

import typer

from adapters.cli.answers import tell
from adapters.cli.opening import By, Happened, Home, Lang, Opened, Unit, opened
from adapters.cli.referral_choice import client_of, find_referral
from contracts.messages import referral as facts_of
from contracts.messages.referral import MoveFacts, ReferralContent
from contracts.names import MessageId, ReferralId

app = typer.Typer(no_args_is_help=True, help="Answer a referral, and say how it goes on.")

Which = Annotated[str, typer.Argument(help="The referral, or its beginning as the worklist shows it.")]
Client = Annotated[str | None, typer.Option(help="Your case number, where it is not linked yet.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"])]
Message = Annotated[str | None, typer.Option(help="For those with a reason to see it.")]

Make = Callable[[Opened, ReferralId], MoveFacts]

_REASONED: Final[dict[str, tuple[type[MoveFacts], str, str]]] = {
    "decline": (facts_of.ReferralDeclined, "reason", "We cannot take it (decline-reason)."),
    "not-taken-up": (facts_of.ReferralNotTakenUp, "reason", "Accepted, but nothing came of it (not-taken-up-reason)."),
    "pause": (facts_of.ReferralPaused, "reason", "On hold (hold-reason)."),
    "complete": (facts_of.ReferralCompleted, "outcome", "Done, with what came of it (outcome-code)."),
    "fail": (facts_of.ReferralFailed, "reason", "Ended without success (failure-reason)."),
    "reopen": (facts_of.ReferralReopened, "reason", "Under way again after closing (reopening-reason)."),
    "withdraw": (facts_of.ReferralWithdrawn, "reason", "Take it back (withdrawal-reason)."),
    "void": (facts_of.ReferralVoided, "reason", "It was entered in error (void-reason)."),
}
_PLAIN: Final[dict[str, tuple[type[MoveFacts], str]]] = {
    "resume": (facts_of.ReferralResumed, "Under way again after a hold."),
    "close": (facts_of.ReferralClosed, "We sent it and see it as done."),
}


def _move(  # noqa: PLR0913, PLR0917 - what all moves take, in the order of their options
    make: Make,
    referral: str,
    client: str | None,
    message: str | None,
    contact: str | None,
    time: datetime | None,
    actor: str | None,
    home: Home,
    unit: Unit,
    lang: Lang,
) -> None:
    with opened(home, unit, lang) as here:
        found = find_referral(here.house, referral)
        own = client_of(here.house, found, client)
        content = ReferralContent(message=message, contact=contact) if message or contact else None
        facts = make(here, found.referral_id)
        tell(here, [here.house.desk.move(own, facts, content=content, occasion=here.occasion(actor, time))])


@app.command()
def accept(  # noqa: PLR0913 - one option a field
    referral: Which,
    *,
    first_meeting: Day = None,
    contact: Annotated[str | None, typer.Option(help="Whom to ask for.")] = None,
    message: Message = None,
    client: Client = None,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """We take it."""

    def make(here: Opened, referral_id: ReferralId) -> MoveFacts:
        return facts_of.ReferralAccepted(referral_id=referral_id, first_meeting=here.instant(first_meeting))

    _move(make, referral, client, message, contact, time, actor, home, unit, lang)


@app.command()
def waitlist(  # noqa: PLR0913 - one option a field
    referral: Which,
    *,
    expected: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="When a place is expected.")],
    message: Message = None,
    client: Client = None,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """On the waiting list."""

    def make(here: Opened, referral_id: ReferralId) -> MoveFacts:
        return facts_of.ReferralWaitlisted(referral_id=referral_id, expected=here.end_of(_day(expected)))

    _move(make, referral, client, message, None, time, actor, home, unit, lang)


@app.command()
def start(  # noqa: PLR0913 - one option a field
    referral: Which,
    *,
    first_contact: Day = None,
    client: Client = None,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """It has begun, with the first contact."""

    def make(here: Opened, referral_id: ReferralId) -> MoveFacts:
        began = here.instant(first_contact) or here.instant(time) or here.house.clock.now()
        return facts_of.ReferralStarted(referral_id=referral_id, first_contact=began)

    _move(make, referral, client, None, None, time, actor, home, unit, lang)


@app.command()
def ask(  # noqa: PLR0913 - one option a field
    referral: Which,
    question: Annotated[str, typer.Argument(help="For the unit that sent it, nobody else.")],
    *,
    client: Client = None,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Ask the unit that sent it."""
    with opened(home, unit, lang) as here:
        found = find_referral(here.house, referral)
        own = client_of(here.house, found, client)
        asked = here.house.desk.ask(own, found.referral_id, question, occasion=here.occasion(actor, time))
        tell(here, [one for one in (asked.text, asked.move) if one is not None])


@app.command()
def reply(  # noqa: PLR0913 - one option a field
    referral: Which,
    question: Annotated[str, typer.Argument(help="Id of the question, as `timeline --json` shows it.")],
    answer: Annotated[str, typer.Argument(help="For the unit that asked, nobody else.")],
    *,
    client: Client = None,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Answer a question about a referral that we sent."""
    with opened(home, unit, lang) as here:
        found = find_referral(here.house, referral)
        own = client_of(here.house, found, client)
        occasion = here.occasion(actor, time)
        said = here.house.desk.answer(own, found.referral_id, MessageId(question), answer, occasion=occasion)
        tell(here, [one for one in (said.text, said.move) if one is not None])


def _day(instant: datetime) -> date:
    return instant.date()


def _add_reasoned(name: str, facts: type[MoveFacts], field: str, text: str) -> None:
    def command(  # noqa: PLR0913 - options of a command
        referral: Which,
        *,
        code: Annotated[str, typer.Option(f"--{field}", help="A code of the list named above.")],
        message: Message = None,
        client: Client = None,
        for_client: Annotated[bool, typer.Option(help="On behalf of the client.")] = False,
        time: Happened = None,
        actor: By = None,
        home: Home = None,
        unit: Unit = None,
        lang: Lang = None,
    ) -> None:
        def make(_: Opened, referral_id: ReferralId) -> MoveFacts:
            more = {"on_behalf_of_client": True} if for_client else {}
            return facts.model_validate({"referral_id": referral_id, field: code, **more})

        _move(make, referral, client, message, None, time, actor, home, unit, lang)

    app.command(name, help=text)(command)


def _add_plain(name: str, facts: type[MoveFacts], text: str) -> None:
    def command(  # noqa: PLR0913 - options of a command
        referral: Which,
        *,
        client: Client = None,
        time: Happened = None,
        actor: By = None,
        home: Home = None,
        unit: Unit = None,
        lang: Lang = None,
    ) -> None:
        def make(_: Opened, referral_id: ReferralId) -> MoveFacts:
            return facts(referral_id=referral_id)

        _move(make, referral, client, None, None, time, actor, home, unit, lang)

    app.command(name, help=text)(command)


for _name, (_facts, _field, _text) in _REASONED.items():
    _add_reasoned(_name, _facts, _field, _text)
for _name, (_facts, _text) in _PLAIN.items():
    _add_plain(_name, _facts, _text)
