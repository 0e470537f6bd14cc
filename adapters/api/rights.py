"""What a client may ask of everyone who shares: that nothing more is given for now (GDPR Art. 18), and that what was given is erased (Art. 17).

Invariant: the unit's own records stay; what becomes of them its own law says.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import Field

from adapters.api import answers
from adapters.api.fields import Answer, Body, ClientName, Made, When, made
from adapters.api.guard import Caller
from adapters.api.pages import PageAsked, page_asked
from adapters.api.people import client_names
from adapters.api.recording import Act
from adapters.api.routing import UnitRoutes, body_of
from adapters.api.tags import tag_of
from adapters.process.tokens import Scope
from contracts.categories import Category
from contracts.names import Text

routes = UnitRoutes("rights")

_Categories = Annotated[
    tuple[Category, ...], Field(default=(), max_length=len(Category), description="Only of these; empty: everything")
]


class Asked(Body):
    """What the client asked for."""

    client: ClientName = Field(description="Your case number")
    time: When | None = Field(default=None, description="When the client said so; absent: now")


class Restriction(Asked):
    """Nothing of it is given any more, until it is lifted."""

    categories: _Categories
    reason: Text | None = Field(default=None, description="For the parties alone")


class ErasureAsked(Asked):
    """What was shared until now is erased wherever it was given."""

    categories: _Categories


class ErasureShown(Answer):
    """A request and what became of it."""

    request: str = Field(description="Its id")
    client: str | None = Field(description="Your case number; null: not linked any more")
    asked_at: datetime
    categories: tuple[str, ...] = Field(description="Empty: everything")
    live_at: datetime | None = Field(description="Since when no running system of the hub opens it; null: not yet")
    beyond_at: datetime | None = Field(description="Since when its backups and its broker do not either; null: not yet")


class ErasurePage(Answer):
    """Requests for erasure that this unit made."""

    items: tuple[ErasureShown, ...]
    next: str | None = Field(description="`cursor` of the next page; null on the last")


@routes.record("/restrictions", scope=Scope.CONSENTS_WRITE, takes=body_of(Restriction), gives=Made)
def restrict(act: Act, body: Restriction) -> tuple[HTTPStatus, bytes]:
    """The client contests something, or wants it kept but not used: nothing of it is given to anyone until this unit lifts it."""
    occasion = act.occasion(body.time)
    done = act.desk.restrict(body.client, categories=body.categories, reason=body.reason, occasion=occasion)
    return answers.recorded(made(done), done)


@routes.record("/restrictions/lift", scope=Scope.CONSENTS_WRITE, takes=body_of(Asked), gives=Made)
def lift_restriction(act: Act, body: Asked) -> tuple[HTTPStatus, bytes]:
    """This unit's restrictions no longer hold; what they held back leaves now."""
    done = act.desk.lift_restriction(body.client, occasion=act.occasion(body.time))
    return answers.recorded(made(done), done)


@routes.record("/erasures", scope=Scope.CONSENTS_WRITE, takes=body_of(ErasureAsked), gives=Made)
def ask_erasure(act: Act, body: ErasureAsked) -> tuple[HTTPStatus, bytes]:
    """The client wants what was shared until now erased: every unit that was given some of it must erase it and say so."""
    done = act.desk.ask_erasure(body.client, body.categories, occasion=act.occasion(body.time))
    return answers.recorded(made(done), done)


@routes.read("/erasures", scope=Scope.CLIENTS_READ, gives=ErasurePage)
def list_erasures(request: Request, caller: Caller, page: Annotated[PageAsked, Depends(page_asked)]) -> Response:
    """What was asked for here, and since when it is done."""
    served = caller.served
    items, following = page.of(served.house.desk.erasures(), lambda one: one.message_id)
    names = client_names(served, [one.subject for one in items])
    shown = tuple(
        ErasureShown(
            request=one.message_id,
            client=names[one.subject],
            asked_at=one.asked_at,
            categories=one.categories,
            live_at=None if one.carried_out is None else one.carried_out.live_at,
            beyond_at=None if one.carried_out is None else one.carried_out.beyond_at,
        )
        for one in items
    )
    found = ErasurePage(items=shown, next=following)
    return answers.shown(request, found, tag=tag_of(answers.document(found)))
