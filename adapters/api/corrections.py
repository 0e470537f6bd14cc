"""What was refused and waits for a person: looked at, corrected, sent again.

Invariant: nothing disappears here; a corrected item goes out under a new id that names the refused one, once.
"""

import json
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.responses import Response
from pydantic import Field, JsonValue

from adapters import draft_json
from adapters.api import answers
from adapters.api.drafts import DRAFT, DraftBody
from adapters.api.fields import Answer, Made, made
from adapters.api.guard import Caller
from adapters.api.pages import PageAsked, page_asked
from adapters.api.problems import ProblemCode, ProblemError
from adapters.api.recording import Act
from adapters.api.routing import UnitRoutes
from adapters.api.served_unit import ServedUnit
from adapters.api.tags import require_match, tag_of
from adapters.process.tokens import Scope
from adapters.storage.quarantine import QuarantineItem

routes = UnitRoutes("corrections")

_HIGHEST = 2**31 - 1
Number = Annotated[int, Path(ge=1, le=_HIGHEST, description="The number that the list shows")]


class ItemShown(Answer):
    """Something that was refused."""

    number: int
    origin: str = Field(description="Who refused it: `hub`, `desk` (here, before it left), `row` (an import)")
    code: str = Field(description="Why: a code")
    explanation: str = Field(description="Why, for a person")
    message: str | None = Field(description="The id of what the hub refused")
    client: str | None = Field(description="Your case number")
    row: str | None = Field(description="The row of an import or your own key")
    since: datetime


class ItemPage(Answer):
    """Open items."""

    items: tuple[ItemShown, ...]
    next: str | None = Field(description="`cursor` of the next page; null on the last")


class ItemWithDraft(Answer):
    """An item with what can be corrected."""

    item: ItemShown
    draft: dict[str, JsonValue] | None = Field(
        description="Correct it and send it to …/resend; null for a row, which is corrected where it comes from"
    )


@routes.read("/corrections", scope=Scope.CORRECTIONS_READ, gives=ItemPage)
def list_corrections(request: Request, caller: Caller, page: Annotated[PageAsked, Depends(page_asked)]) -> Response:
    """All open items, the oldest first."""
    with caller.served.house.store.read() as tx:
        waiting = tx.quarantine.open_items()
    items, following = page.of(waiting, lambda one: f"{one.number:012d}")
    found = ItemPage(items=tuple(_shown(caller.served, one) for one in items), next=following)
    return answers.shown(request, found, tag=tag_of(answers.document(found)))


@routes.read("/corrections/{number}", scope=Scope.CORRECTIONS_READ, gives=ItemWithDraft)
def correction(request: Request, caller: Caller, number: Number) -> Response:
    """One item with its draft. Its ETag can be sent as `If-Match` with the correction."""
    found = _found(caller.served, number)
    return answers.shown(request, found, tag=_tag(found))


@routes.record("/corrections/{number}/resend", scope=Scope.CORRECTIONS_WRITE, takes=DRAFT, gives=Made)
def resend_correction(act: Act, body: DraftBody, number: Number) -> tuple[HTTPStatus, bytes]:
    """Send the corrected draft in place of what was refused. What it says about consents and referrals needs their scopes too."""
    if body.scope is not Scope.ENTRIES_WRITE:
        act.caller.require(body.scope)
    require_match(act.request, _tag(_found(act.served, number)))
    sent = act.desk.resend(number, body.draft(actor=act.actor, now=act.served.house.clock.now()))
    return answers.recorded(made(sent), sent)


def _found(served: ServedUnit, number: int) -> ItemWithDraft:
    with served.house.store.read() as tx:
        item = tx.quarantine.find(number)
    if item is None or item.resolved_at is not None:
        raise ProblemError(
            HTTPStatus.NOT_FOUND,
            ProblemCode.NOT_FOUND,
            "No open item has this number",
            advice="Take it from GET …/corrections.",
        )
    draft = served.house.desk.draft_of(number)
    return ItemWithDraft(
        item=_shown(served, item), draft=None if draft is None else json.loads(draft_json.write(draft))
    )


def _tag(found: ItemWithDraft) -> str:
    return tag_of(answers.document(found))


def _shown(served: ServedUnit, one: QuarantineItem) -> ItemShown:
    refused = one.refused
    with served.house.store.read() as tx:
        client = None if refused.subject is None else tx.clients.client_of(refused.subject)
    return ItemShown(
        number=one.number,
        origin=refused.origin.value,
        code=refused.code,
        explanation=refused.explanation,
        message=refused.message_id,
        client=client,
        row=refused.local_key,
        since=refused.quarantined_at,
    )
