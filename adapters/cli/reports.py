"""`spojka-adapter report`: what a unit hands to a client about the client (GDPR Art. 15 and 20), and who looked.

Invariants: a report leaves only after a worker has gone through what names third persons; each step is recorded, each look and each refused attempt
reported; a file that holds entries of others is listed as a copy.
"""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ValidationError

from adapters.cli.answers import as_json, show
from adapters.cli.opening import AsJson, ByWhom, ChoiceError, Home, Lang, Opened, Unit, WhatFor, opened
from adapters.cli.referral_choice import subject_of
from adapters.followers.export_file import write_document
from adapters.process.entry_text import details
from adapters.reports.flow import Part, Reporting
from adapters.reports.printed import Reading, accesses_pdf, report_pdf
from adapters.storage.reports import KeptReport
from contracts.access_view import AccessView
from contracts.categories import Purpose
from contracts.names import HUB, ActorId, SubjectId

app = typer.Typer(no_args_is_help=True, help="What a client is handed about themselves.")

Client = Annotated[str, typer.Argument(help="Your case number.")]
Number = Annotated[int, typer.Argument(help="Its number, from the list.")]
To = Annotated[Path, typer.Option("--to", help="File to write: .pdf to read, .json for machines.")]
FromHub = Annotated[
    Path | None,
    typer.Option("--from-hub", help="The list of all looks, from the operator: spojka-hub access --for-client."),
]


@app.command()
def draft(  # noqa: PLR0913 - one option a field
    client: Client,
    *,
    actor: ByWhom,
    purpose: WhatFor = Purpose.SUPPORT,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Begin a report: everything that this unit may see of a client. Prints its number, then what is to be gone through."""
    with opened(home, unit, lang) as here:
        doing = Reporting(here.house, ActorId(actor))
        number = doing.draft(subject_of(here.house, client), purpose)
        here.out.print(str(number), markup=False)
        _show_parts(here, doing, number)


@app.command("show")
def show_parts(  # noqa: PLR0913 - one option a field
    number: Number,
    *,
    actor: ByWhom,
    as_lines: AsJson = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """What is to be gone through before the report leaves, with what was decided. The look is reported."""
    with opened(home, unit, lang) as here:
        doing = Reporting(here.house, ActorId(actor))
        if as_lines:
            as_json([_document(doing, one) for one in doing.parts(number)])
            return
        _show_parts(here, doing, number)


@app.command()
def review(  # noqa: PLR0913 - one option a field
    number: Number,
    entry: Annotated[str | None, typer.Argument(help="Id of an entry, or its beginning, from `show`.")] = None,
    *,
    actor: ByWhom,
    black: Annotated[
        list[str] | None, typer.Option(help="Words to black out, as they stand in the entry; repeat it.")
    ] = None,
    withhold: Annotated[bool, typer.Option(help="Nothing of what it says leaves.")] = False,
    rest: Annotated[bool, typer.Option("--rest", help="All that is still open names nobody else: leave it.")] = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Decide what of an own entry leaves: all of it, all but some words, or nothing. Or, with --rest, leave all the others as they are."""
    with opened(home, unit, lang) as here:
        doing = Reporting(here.house, ActorId(actor))
        if rest == (entry is not None):
            raise ChoiceError("It is not clear which entries are meant", advice="Name one, or say --rest.")
        if entry is None:
            here.out.print(f"{here.words['report.left-as-is']}: {doing.leave_the_rest(number)}", markup=False)
            return
        verdict = doing.decide(number, entry, black=black or (), withhold=withhold)
        here.out.print(here.words[f"report.part.{verdict.value}"], markup=False)


@app.command()
def reviewed(number: Number, *, actor: ByWhom, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """Say that all of it was gone through: from now on it may be given."""
    with opened(home, unit, lang) as here:
        Reporting(here.house, ActorId(actor)).reviewed(number)
        here.out.print(here.words["report.state.reviewed"], markup=False)


@app.command()
def give(  # noqa: PLR0913 - one option a field
    number: Number,
    *,
    actor: ByWhom,
    to: To,
    portable: Annotated[bool, typer.Option(help="The copy for another system (Art. 20), JSON only.")] = False,
    from_hub: FromHub = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Write it for the client: the report as PDF or JSON, or the portable copy. Refused, and reported, before it was reviewed."""
    with opened(home, unit, lang) as here:
        form = _form(to)
        if portable and form != "json":
            raise ChoiceError("A portable copy is for machines", advice="Name a file that ends in .json.")
        doing = Reporting(here.house, ActorId(actor))
        language = here.words.language
        written: str | bytes
        if portable:
            written = _json(doing.portable_copy(number, to))
        else:
            report = doing.report(number, to, language=language, from_hub=_read(here, doing, number, from_hub))
            reading = Reading(here.words, here.house.directory)
            written = report_pdf(report, reading) if form == "pdf" else _json(report)
        write_document(to, written)
        doing.given(number, "portable-copy" if portable else form)
        here.out.print(f"{here.words['report.written']}: {to}", markup=False, soft_wrap=True)


@app.command()
def accesses(  # noqa: PLR0913 - one option a field
    client: Client,
    *,
    actor: ByWhom,
    to: To,
    purpose: WhatFor = Purpose.SUPPORT,
    from_hub: FromHub = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Who looked at a client's data, by itself: for the client, as PDF or JSON. The look is reported."""
    with opened(home, unit, lang) as here:
        form, subject = _form(to), subject_of(here.house, client)
        from_all = None if from_hub is None else _view(here, subject, from_hub)
        here_known = Reporting(here.house, ActorId(actor)).accesses(subject, to, purpose)
        known = here.house.directory.units.get(here.house.unit)
        name = here.house.unit if known is None else known.name
        views = [here_known] if from_all is None else [from_all, here_known]
        pdf = form == "pdf"
        written = accesses_pdf(views, name, Reading(here.words, here.house.directory)) if pdf else _json(views[0])
        write_document(to, written)
        here.out.print(f"{here.words['report.written']}: {to}", markup=False, soft_wrap=True)


@app.command("list")
def list_reports(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """Every report and how far it is."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            kept = [(one, tx.clients.client_of(one.subject)) for one in tx.reports.all()]
        if as_lines:
            as_json([{**_kept(one), "client": client} for one, client in kept])
            return
        rows = [[str(one.number), client or "", _standing(here, one), *_steps(here, one)] for one, client in kept]
        show(
            here,
            "report.listed",
            ("number", "client", "standing", "report.drafted", "report.state.reviewed", "report.given"),
            rows,
        )


def _show_parts(here: Opened, doing: Reporting, number: int) -> None:
    rows = [
        [
            one.shown.entry.message_id,
            here.local(one.shown.entry.time),
            here.words.of_type(one.shown.entry.type),
            details(here.words, doing.as_it_leaves(one) if one.decision else one.shown),
            here.words[f"report.part.{one.decision.verdict.value if one.decision else 'open'}"],
        ]
        for one in doing.parts(number)
    ]
    show(here, "report.parts", ("entry-id", "when", "what", "details", "standing"), rows)


def _document(doing: Reporting, one: Part) -> dict[str, object]:
    entry = (doing.as_it_leaves(one) if one.decision else one.shown).entry
    return {
        "id": entry.message_id,
        "time": entry.time,
        "type": entry.type,
        "content": entry.content,
        "decided": None if one.decision is None else one.decision.verdict.value,
    }


def _kept(one: KeptReport) -> dict[str, object]:
    return {
        "number": one.number,
        "state": one.standing,
        "drafted_by": one.drafted_by,
        "drafted_at": one.drafted_at,
        "reviewed_by": one.reviewed_by,
        "reviewed_at": one.reviewed_at,
        "given_at": one.given_at,
    }


def _standing(here: Opened, one: KeptReport) -> str:
    return here.words["report.state.reviewed" if one.standing == "reviewed" else f"report.{one.standing}"]


def _steps(here: Opened, one: KeptReport) -> list[str]:
    return [
        f"{here.local(one.drafted_at)}, {one.drafted_by}",
        "" if one.reviewed_at is None else f"{here.local(one.reviewed_at)}, {one.reviewed_by}",
        "" if one.given_at is None else here.local(one.given_at),
    ]


def _form(to: Path) -> str:
    form = to.suffix.casefold().removeprefix(".")
    if form not in ("pdf", "json"):
        raise ChoiceError("It is not clear what to write", advice="Name a file that ends in .pdf or .json.")
    return form


def _json(document: BaseModel) -> str:
    return document.model_dump_json(indent=1, exclude_none=True) + "\n"


def _read(here: Opened, doing: Reporting, number: int, file: Path | None) -> AccessView | None:
    return None if file is None else _view(here, doing.subject_of(number), file)


def _view(here: Opened, subject: SubjectId, file: Path) -> AccessView:
    """The operator's list. Raises `ChoiceError` where it is not one, or about somebody else."""
    try:
        found = AccessView.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ChoiceError(
            f"{file} is no list of looks", advice="Ask the operator for one: spojka-hub access … --for-client --json."
        ) from error
    programme = here.house.settings.programme
    if (found.subject, found.said_by, found.programme) != (subject, HUB, programme):
        raise ChoiceError(
            f"{file} is about another client, or of another programme", advice="Ask the operator for the right one."
        )
    return found
