"""Referrals: sending one, and the list of those that came and went.

Invariant: a look at the list is reported for each client on it, since a referral tells something about a person.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer

from adapters.cli.answers import as_json, show, tell
from adapters.cli.ending_consents import ending_of, report_ending, show_ending
from adapters.cli.opening import AsJson, By, ByWhom, Happened, Home, Lang, Opened, Unit, WhatFor, opened
from adapters.cli.referral_choice import SHOWN, find_referral
from adapters.drafts import ClientKey
from adapters.process import looks
from adapters.process.looks import Look, SeenWorklist
from adapters.process.person_files import also_kept_as
from contracts.categories import Category, Purpose
from contracts.messages.referral import ReferralContent
from contracts.names import ActorId, SubjectId, UnitId
from projections.referral_fold import Referral

Files = Mapping[SubjectId, Sequence[str]]
"""Case numbers of other files of the same person."""


def refer(  # noqa: PLR0913 - one option a field
    client: Annotated[str, typer.Argument(help="Your case number.")],
    *,
    category: Annotated[Category, typer.Option(help="What help is asked for.")],
    answer_due: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day for an answer.")],
    to: Annotated[
        str | None, typer.Option(help="Unit that is asked; without it: somebody outside the programme.")
    ] = None,
    kind: Annotated[
        str, typer.Option(help="referral, transfer, assessment, accompanied (referral-kind codes).")
    ] = "referral",
    service: Annotated[str | None, typer.Option(help="Service asked for.")] = None,
    parent: Annotated[str | None, typer.Option(help="The referral that this one follows.")] = None,
    message: Annotated[str | None, typer.Option(help="For those with a reason to see it.")] = None,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Ask another unit to help."""
    with opened(home, unit, lang) as here:
        sent = here.house.desk.refer(
            ClientKey(client),
            category,
            target=None if to is None else UnitId(to),
            answer_due=here.end_of(answer_due.date()),
            kind=kind,
            service=service,
            parent=None if parent is None else find_referral(here.house, parent).referral_id,
            content=None if message is None else ReferralContent(message=message),
            occasion=here.occasion(actor, time),
        )
        here.out.print(sent.referral_id, markup=False)
        tell(here, [sent.recorded])


def worklist(  # noqa: PLR0913 - one option a field
    *,
    actor: ByWhom,
    purpose: WhatFor = Purpose.SUPPORT,
    as_lines: AsJson = False,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Referrals to us and from us: where each stands, and what is overdue; and consents that end soon."""
    with opened(home, unit, lang) as here:
        look = Look(ActorId(actor), purpose)
        seen, files = _read(here, look)
        came, went, hidden = seen.came, seen.went, seen.hidden
        looks.report_referrals(here.house, (*came, *went), look=look)
        if as_lines:
            as_json([_document(here, one, files, in_touch=hidden is None) for one in (*came, *went)])
            return
        if hidden is not None:
            here.out.print(here.words[f"hidden.{hidden.value}"], markup=False)
        show(here, "incoming", _COLUMNS, [_row(here, one, files, in_touch=hidden is None) for one in came])
        show(here, "outgoing", _COLUMNS, [_row(here, one, files, in_touch=hidden is None) for one in went])
        ending = ending_of(here.house, others_visible=hidden is None)
        if ending:
            report_ending(here.house, ending, look=look)
            show_ending(here, ending)


def _read(here: Opened, look: Look) -> tuple[SeenWorklist, Files]:
    overviews = here.house.overviews()
    try:
        seen = looks.worklist(here.house, overviews, look=look)
        return seen, also_kept_as(here.house.store, overviews, [one.subject for one in (*seen.came, *seen.went)])
    finally:
        overviews.close()


_COLUMNS = ("referral", "who", "client", "about", "standing", "due")


def _row(here: Opened, one: Referral, files: Files, *, in_touch: bool) -> list[str]:
    """Out of touch nobody can say that an answer is overdue: it may lie at the hub."""
    words, now = here.words, here.house.clock.now()
    other = one.target if one.source == here.house.unit else one.source
    also = files.get(one.subject)
    same = f" ({words['same-person']} {', '.join(also)})" if also else ""
    due = "" if one.due is None else here.local(one.due)
    late = f" ({words['overdue']})" if in_touch and one.overdue(now) else ""
    named = here.house.directory.units.get(other) if other is not None else None
    return [
        one.referral_id[:SHOWN],
        words["outside"] if other is None else (named.name if named is not None else other),
        (_client(here, one) or words["unknown-client"]) + same,
        words.code("category", one.category),
        words[f"referral.{one.state.value}"],
        due + late,
    ]


def _document(here: Opened, one: Referral, files: Files, *, in_touch: bool) -> dict[str, object]:
    return {
        "referral": one.referral_id,
        "subject": one.subject,
        "client": _client(here, one),
        "same_person": list(files.get(one.subject, ())),
        "source": one.source,
        "target": one.target,
        "category": one.category,
        "state": one.state.value,
        "due": one.due,
        "overdue": one.overdue(here.house.clock.now()) if in_touch else None,
        "parent": one.parent,
    }


def _client(here: Opened, one: Referral) -> str | None:
    with here.house.store.read() as tx:
        return tx.clients.client_of(one.subject)
