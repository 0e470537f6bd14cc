"""The timeline of one client.

Invariants: every look is reported, with what was shown; entries of others show only while the unit is in touch or within the lease, and the screen
says when they do not.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from adapters.cli.answers import as_json, show
from adapters.cli.opening import AsJson, ByWhom, ChoiceError, Home, Lang, Opened, Unit, WhatFor, opened
from adapters.cli.referral_choice import subject_of
from adapters.process import looks
from adapters.process.entry_text import details
from adapters.process.looks import Look, SeenTimeline
from contracts.categories import Purpose
from contracts.messages.access import HiddenByLaw
from contracts.names import ActorId, SubjectId
from projections.corrections import Shown


def timeline(  # noqa: PLR0913 - one option a field
    client: Annotated[str, typer.Argument(help="Your case number.")],
    *,
    actor: ByWhom,
    purpose: WhatFor = Purpose.SUPPORT,
    hidden_until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Only where a law says so: last day on which the client is not told."),
    ] = None,
    hidden_because: Annotated[str | None, typer.Option(help="That law: code of the list disclosure-basis.")] = None,
    as_lines: AsJson = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Everything recorded and shared about a client, in the order in which it happened; two files of one person together. The look is reported."""
    with opened(home, unit, lang) as here:
        subject = subject_of(here.house, client)
        look = Look(ActorId(actor), purpose, hidden=_hidden_by_law(here, hidden_until, hidden_because))
        show_timeline(here, subject, look, as_lines=as_lines)


def show_timeline(here: Opened, subject: SubjectId, look: Look, *, as_lines: bool) -> None:
    """Report the look and show what it sees."""
    seen = _read(here, subject, look)
    looks.report_entries(here.house, subject, seen.entries, look=look)
    if as_lines:
        as_json([_document(one) for one in seen.entries])
        return
    if seen.hidden is not None:
        here.out.print(here.words[f"hidden.{seen.hidden.value}"], markup=False)
    files = _files(here, seen)
    columns = _COLUMNS if len(files) < 2 else (*_COLUMNS, "client")  # noqa: PLR2004 - several files of one person
    rows = [[*_row(here, one), files[one.entry.subject]][: len(columns)] for one in seen.entries]
    show(here, "timeline", columns, rows)


def _hidden_by_law(here: Opened, until: datetime | None, basis: str | None) -> HiddenByLaw | None:
    """Raises `ChoiceError` for half of it, and beyond a year."""
    if until is None and basis is None:
        return None
    if until is None or basis is None:
        raise ChoiceError("A look is hidden by a law and until a day", advice="Name both, or neither.")
    end = here.end_of(until.date())
    if end > here.house.clock.now() + _HIDDEN_AT_MOST:
        raise ChoiceError("No look is hidden for more than a year", advice="Name an earlier day; say it again then.")
    return HiddenByLaw(basis=basis, until=end.astimezone(UTC))


_HIDDEN_AT_MOST: Final = timedelta(days=366)
_COLUMNS: Final = ("when", "who", "what", "about", "details", "standing")


def _read(here: Opened, subject: SubjectId, look: Look) -> SeenTimeline:
    overviews = here.house.overviews()
    try:
        return looks.together(here.house, overviews, subject, look=look)
    finally:
        overviews.close()


def _files(here: Opened, seen: SeenTimeline) -> dict[SubjectId, str]:
    """The unit's own names for the files of which something shows."""
    with here.house.store.read() as tx:
        subjects = dict.fromkeys(one.entry.subject for one in seen.entries)
        return {one: tx.clients.client_of(one) or here.words["unknown-client"] for one in subjects}


def _row(here: Opened, one: Shown) -> list[str]:
    words, entry = here.words, one.entry
    author = here.house.directory.units.get(entry.author)
    standing = entry.kind if entry.kind in ("given", "erased", "refused") else entry.state or "waiting"
    return [
        here.local(entry.time),
        entry.author if author is None else author.name,
        words.of_type(entry.type),
        words.code("category", entry.category),
        details(words, one),
        words[f"state.{standing}"],
    ]


def _document(one: Shown) -> dict[str, object]:
    entry = one.entry
    return {
        "id": entry.message_id,
        "subject": entry.subject,
        "time": entry.time,
        "author": entry.author,
        "type": entry.type,
        "category": entry.category,
        "kind": entry.kind,
        "state": entry.state,
        "facts": entry.facts,
        "content": entry.content,
        "fault": entry.fault,
        "refusal": entry.refusal,
        "corrected": len(one.history),
    }
