"""Looking at one client's path: the timeline, and who may see what.

Invariants: each look is reported before anything is shown; what shows is what the command line shows to the same reader.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import Field, JsonValue

from adapters.api import answers
from adapters.api.fields import Answer, ClientQuery, looking
from adapters.api.guard import Caller
from adapters.api.pages import PageAsked, page_asked
from adapters.api.people import Names, client_names, subject_of
from adapters.api.routing import UnitRoutes
from adapters.api.tags import tag_of
from adapters.process import looks
from adapters.process.looks import Look, SeenTimeline
from adapters.process.showing import hidden_now
from adapters.process.tokens import Scope
from contracts.grounds import Ground
from projections.corrections import Shown
from projections.grounds import grounds_of
from projections.one_person import same_person

routes = UnitRoutes("paths")

_OF_A_LOOK = "eu.spojka.record.accessed.v1"


class TimelineEntry(Answer):
    """One entry as it holds now, corrections applied."""

    message: str = Field(description="Its id")
    client: str | None = Field(description="Your case number of the file that it stands in; null: not linked yet")
    time: datetime = Field(description="When it happened")
    author: str = Field(description="The unit that recorded it")
    type: str | None = Field(description="Its type; null where it was erased")
    category: str | None = Field(description="The area of support")
    kind: str = Field(description="`own`, `given` (by another unit), `refused` or `erased`")
    state: str | None = Field(description="Of an own one: `held`, `waiting`, `accepted`")
    facts: dict[str, JsonValue] | None
    content: dict[str, JsonValue] | None
    fault: str | None = Field(description="Why it does not open here")
    refusal: str | None = Field(description="Why the hub refused it")
    corrected: int = Field(description="How often it was corrected")


class TimelinePage(Answer):
    """A part of a timeline."""

    hidden: str | None = Field(
        description="Why entries of others do not show now (`never-connected`, `catching-up`, `lease-over`); null: they do"
    )
    items: tuple[TimelineEntry, ...]
    next: str | None = Field(description="`cursor` of the next page; null on the last")


class OpeningShown(Answer):
    """Who may see what of whose entries."""

    sources: tuple[str, ...] = Field(description="Units whose entries are shared")
    opened: tuple[str, ...] = Field(
        description="Those of them whose entries are open by now; the others have yet to attest"
    )
    recipient: str = Field(description="`unit:NAME` or `class:ROLE`")
    purpose: str
    categories: tuple[str, ...]
    history_from: datetime = Field(description="Entries from then on")
    until: datetime


class GroundShown(Answer):
    """A consent, or a reason by law."""

    ground: str = Field(description="Its id: what attesting, narrowing and withdrawing name")
    client: str | None = Field(description="Your case number of the file that it stands in; null: not linked yet")
    collector: str = Field(description="The unit that recorded it")
    statutory: bool = Field(description="True: by law; false: a consent")
    ended_at: datetime | None = Field(description="Since when it does not hold; null: it holds")
    openings: tuple[OpeningShown, ...]


class GroundList(Answer):
    """All reasons to share that this unit knows of a client."""

    items: tuple[GroundShown, ...]


@routes.read("/timeline", scope=Scope.TIMELINE_READ, gives=TimelinePage)
def timeline(
    request: Request,
    caller: Caller,
    client: ClientQuery,
    look: Annotated[Look, Depends(looking)],
    page: Annotated[PageAsked, Depends(page_asked)],
) -> Response:
    """Everything recorded and shared about a client, in the order in which it happened; several files of one person together.

    The look is reported with what was shown. With `If-None-Match` a reader who has it already gets 304, which is reported once a day.
    """
    served = caller.served
    subject = subject_of(served, client)
    seen = looks.together(served.house, served.overviews(), subject, look=look)
    items, following = page.of(seen.entries, _place)
    hidden = None if seen.hidden is None else seen.hidden.value
    names = client_names(served, [one.entry.subject for one in seen.entries])
    found = TimelinePage(hidden=hidden, items=tuple(_entry(one, names) for one in items), next=following)

    def report() -> None:
        looks.report_entries(served.house, subject, items, look=look)

    return answers.shown(request, found, tag=_tag(request, seen, names, look, served.today()), report=report)


@routes.read("/grounds", scope=Scope.GROUNDS_READ, gives=GroundList)
def grounds(request: Request, caller: Caller, client: ClientQuery, look: Annotated[Look, Depends(looking)]) -> Response:
    """Who may see what of a client, and since when not: consents and reasons by law that this unit knows; of several files of one
    person each under its own, since none opens anything of another. The look is reported.

    Those that another unit recorded show only while entries of others do: see `hidden` of the timeline and the worklist.
    """
    served = caller.served
    subject = subject_of(served, client)
    others_visible = hidden_now(served.house) is None
    with served.overviews().look() as connection:
        every = {side: grounds_of(connection, side).values() for side in same_person(connection, subject)}
    known = {
        side: [one for one in grounds if others_visible or one.collector == served.unit]
        for side, grounds in every.items()
    }
    names = client_names(served, known)
    shown = sorted(((one, names[side]) for side, some in known.items() for one in some), key=lambda of: of[0].ground_id)
    found = GroundList(items=tuple(_ground(one, client) for one, client in shown))

    def report() -> None:
        about = [
            (side, {category for one in grounds for opening in one.openings for category in opening.categories})
            for side, grounds in known.items()
        ]
        looks.report_clients(served.house, about, look=look)

    tag = tag_of(answers.document(found), look.reader, look.purpose.value, served.today(), weak=True)
    return answers.shown(request, found, tag=tag, report=report)


def _place(one: Shown) -> str:
    return f"{one.entry.time.isoformat(timespec='microseconds')} {one.entry.arrived:020d} {one.entry.message_id}"


def _tag(request: Request, seen: SeenTimeline, names: Names, look: Look, today: str) -> str:
    """Over the whole timeline but the unit's reports of looks, which change nothing; and over which page was asked for."""
    telling = (answers.document(_entry(one, names)) for one in seen.entries if one.entry.type != _OF_A_LOOK)
    who = (look.reader, look.purpose.value, today, str(seen.hidden), request.url.query)
    return tag_of(*telling, *who, weak=True)


def _entry(one: Shown, names: Names) -> TimelineEntry:
    entry = one.entry
    plain: dict[str, Any] = {"facts": entry.facts, "content": entry.content}
    return TimelineEntry(
        message=entry.message_id,
        client=names[entry.subject],
        time=entry.time,
        author=entry.author,
        type=entry.type,
        category=None if entry.category is None else entry.category.value,
        kind=entry.kind,
        state=entry.state,
        fault=entry.fault,
        refusal=None if entry.refusal is None else entry.refusal.value,
        corrected=len(one.history),
        **plain,
    )


def _ground(one: Ground, client: str | None) -> GroundShown:
    return GroundShown(
        ground=one.ground_id,
        client=client,
        collector=one.collector,
        statutory=one.statutory,
        ended_at=one.ended_at,
        openings=tuple(
            OpeningShown(
                sources=tuple(sorted(opening.sources)),
                opened=tuple(sorted(source for source in opening.sources if one.opens_entries_of(source))),
                recipient=opening.recipient,
                purpose=opening.purpose.value,
                categories=tuple(sorted(opening.categories)),
                history_from=opening.history_from,
                until=opening.until,
            )
            for opening in one.openings
        ),
    )
