"""`spojka-adapter emergency`: opening what the unit holds and its rules hide, and a second person's judgement of it.

Invariants: what shows, and that somebody tried, is reported with the reason before it is on the screen; the screen says so.
"""

from typing import Annotated, Literal

import typer

from adapters.cli.answers import as_json, show
from adapters.cli.opening import AsJson, ByWhom, Home, Lang, Opened, Unit, opened
from adapters.cli.paths import show_timeline
from adapters.cli.referral_choice import subject_of
from adapters.process import emergency
from adapters.process.emergency import Judgement
from adapters.storage.emergencies import KeptEmergency
from contracts.names import ActorId, SubjectId

app = typer.Typer(
    no_args_is_help=True, help="See in an emergency what this unit holds and its rules hide. Off unless it is set."
)

Client = Annotated[str, typer.Argument(help="Your case number.")]


@app.command("open")
def open_now(  # noqa: PLR0913 - one option a field
    client: Client,
    *,
    actor: ByWhom,
    reason: Annotated[str, typer.Option(help="Code of the list emergency-reason.")],
    why: Annotated[str, typer.Option(help="What happens, in words, for whoever judges it. It stays in this unit.")],
    as_lines: AsJson = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Open a client's timeline for six hours, whatever hides it. Client and auditor see it; a second person judges it within a day."""
    with opened(home, unit, lang) as here:
        subject = subject_of(here.house, client)
        emergency.open_now(here.house, subject, reader=ActorId(actor), reason=reason, why=why)
        _look(here, subject, ActorId(actor), as_lines=as_lines)


@app.command()
def look(  # noqa: PLR0913 - one option a field
    client: Client,
    *,
    actor: ByWhom,
    as_lines: AsJson = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Look again while it is open. Each look is reported."""
    with opened(home, unit, lang) as here:
        _look(here, subject_of(here.house, client), ActorId(actor), as_lines=as_lines)


@app.command("list")
def list_openings(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that were judged too.")] = False,
    as_lines: AsJson = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """What was opened, by whom and why, that a second person has yet to judge."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            kept = tx.emergencies.all() if everything else tx.emergencies.unjudged()
            clients = {one.subject: tx.clients.client_of(one.subject) or here.words["unknown-client"] for one in kept}
        if as_lines:
            as_json([_document(here, one) for one in kept])
            return
        columns = (
            "number",
            "when",
            "client",
            "emergency.by",
            "reason",
            "emergency.why",
            "emergency.judge-by",
            "emergency.judged",
        )
        show(here, "emergency.list", columns, [_row(here, one, clients[one.subject]) for one in kept])


@app.command()
def judge(  # noqa: PLR0913 - one option a field
    number: Annotated[int, typer.Argument(help="Its number, from the list.")],
    *,
    actor: ByWhom,
    judged: Annotated[Literal["justified", "not-justified"], typer.Option("--as", help="What you think of it.")],
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Say, as a second person, whether an opening was justified. Client and auditor see that too."""
    with opened(home, unit, lang) as here:
        judgement: Judgement = judged
        emergency.judge(here.house, number, by=ActorId(actor), judged=judgement)
        here.out.print(here.words[f"emergency.{judgement}"], markup=False)


def _look(here: Opened, subject: SubjectId, reader: ActorId, *, as_lines: bool) -> None:
    look = emergency.look_under(here.house, subject, reader=reader)
    if not as_lines and look.emergency is not None:
        until = here.local(look.emergency.until)
        here.out.print(here.words["emergency.open"].format(until=until), markup=False, soft_wrap=True)
    show_timeline(here, subject, look, as_lines=as_lines)


def _row(here: Opened, one: KeptEmergency, client: str) -> list[str]:
    words = here.words
    late = f" ({words['overdue']})" if one.overdue(here.house.clock.now()) else ""
    judged = "" if one.judged is None else f"{words[f'emergency.{one.judged}']}, {one.judged_by}"
    reason = words.code("emergency-reason", one.reason)
    due = here.local(one.judge_by) + late
    return [str(one.number), here.local(one.opened_at), client, one.reader, reason, one.why, due, judged]


def _document(here: Opened, one: KeptEmergency) -> dict[str, object]:
    return {
        "number": one.number,
        "reader": one.reader,
        "reason": one.reason,
        "why": one.why,
        "opened_at": one.opened_at,
        "until": one.until,
        "judge_by": one.judge_by,
        "overdue": one.overdue(here.house.clock.now()),
        "judged": one.judged,
        "judged_by": one.judged_by,
    }
