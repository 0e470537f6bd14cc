"""The timeline of one client.

Invariants: every look is reported, with what was shown; entries of others show only while the unit is in touch or within the lease, and the screen
says when they do not.
"""

from collections.abc import Sequence
from typing import Annotated

import typer

from adapters.cli.answers import as_json, show
from adapters.cli.entry_text import details
from adapters.cli.opening import AsJson, ByWhom, Home, Lang, Opened, Unit, opened
from adapters.cli.referral_choice import subject_of
from adapters.desk.actions.duties import Access
from adapters.process.showing import hidden_now
from contracts.names import ActorId, SubjectId
from projections.corrections import Shown
from projections.corrections import timeline as read_timeline

_MOST_REPORTED = 500
"""Entry ids in one report of a look."""


def timeline(  # noqa: PLR0913 - one option a field
    client: Annotated[str, typer.Argument(help="Your case number.")],
    *,
    actor: ByWhom,
    as_lines: AsJson = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Everything recorded and shared about a client, in the order in which it happened. The look is reported."""
    with opened(home, unit, lang) as here:
        subject = subject_of(here.house, client)
        hidden = hidden_now(here.house)
        entries = _read(here, subject, others_visible=hidden is None)
        _report(here, subject, entries, ActorId(actor))
        if as_lines:
            as_json([_document(one) for one in entries])
            return
        if hidden is not None:
            here.out.print(here.words[f"hidden.{hidden.value}"], markup=False)
        show(
            here, "timeline", ("when", "who", "what", "about", "details", "standing"), [_row(here, o) for o in entries]
        )


def _read(here: Opened, subject: SubjectId, *, others_visible: bool) -> Sequence[Shown]:
    overviews = here.house.overviews()
    try:
        with overviews.look() as connection:
            return read_timeline(connection, subject, others_visible=others_visible)
    finally:
        overviews.close()


def _report(here: Opened, subject: SubjectId, entries: Sequence[Shown], actor: ActorId) -> None:
    given = [one.entry for one in entries if one.entry.kind == "given"]
    categories = sorted({one.entry.category for one in entries if one.entry.category is not None})
    for start in range(0, max(len(given), 1), _MOST_REPORTED):
        some = tuple(one.message_id for one in given[start : start + _MOST_REPORTED])
        access = Access(reader=actor, reader_unit=here.house.unit, categories=tuple(categories), entries=some)
        here.house.desk.report_access(subject, access)


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
