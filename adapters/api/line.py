"""How the connection is, and what waits to be sent.

Invariant: the state of the line is counts and coded states only; what waits is told with the client's case number, and has a scope of its own.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import Field, JsonValue

from adapters.api import answers
from adapters.api.fields import Answer
from adapters.api.guard import Caller
from adapters.api.pages import PageAsked, page_asked
from adapters.api.routing import UnitRoutes
from adapters.api.tags import tag_of
from adapters.process.tokens import Scope
from adapters.process.unit_health import state_of
from contracts.envelope import parse_attributes

routes = UnitRoutes("line")

_MOST_WAITING = 1000


class Line(Answer):
    """How the unit is."""

    unit: str
    status: str = Field(description="`pass`, `warn` (a person should look), `fail` (not working with the hub)")
    checks: dict[str, JsonValue] = Field(description="Counts and states by name, as `spojka-adapter health` shows them")


class WaitingShown(Answer):
    """A message on its way."""

    message: str = Field(description="Its id")
    type: str
    client: str | None = Field(description="Your case number")
    state: str = Field(description="`waiting` or `sent` (its receipt is to come)")
    queued_at: datetime
    attempts: int


class OutboxPage(Answer):
    """What waits to be sent."""

    items: tuple[WaitingShown, ...]
    next: str | None = Field(description="`cursor` of the next page; null on the last")


@routes.read("/line", scope=Scope.LINE_READ, gives=Line)
def line(request: Request, caller: Caller) -> Response:
    """How the connection is: what waits, what a person should look at, whether entries of others show."""
    found = state_of(caller.served.house).health()
    checks: dict[str, Any] = dict(found.checks)
    told = Line(unit=caller.served.unit, status=found.status, checks=checks)
    return answers.shown(request, told, tag=tag_of(answers.document(told)))


@routes.read("/outbox", scope=Scope.OUTBOX_READ, gives=OutboxPage)
def outbox(request: Request, caller: Caller, page: Annotated[PageAsked, Depends(page_asked)]) -> Response:
    """What waits to be sent, and what was sent and has no receipt yet, in the order in which it was recorded."""
    with caller.served.house.store.read() as tx:
        waiting = [*tx.outbox.open_messages(), *tx.outbox.next_to_send(_MOST_WAITING)]
        items, following = page.of(waiting, lambda one: f"{one.order:020d}")
        shown = []
        for one in items:
            attributes, _ = parse_attributes(one.signed.payload)
            client = None if attributes.subject is None else tx.clients.client_of(attributes.subject)
            shown.append(
                WaitingShown(
                    message=one.message_id,
                    type=attributes.type,
                    client=client,
                    state=one.state.value,
                    queued_at=one.queued_at,
                    attempts=one.attempts,
                )
            )
    found = OutboxPage(items=tuple(shown), next=following)
    return answers.shown(request, found, tag=tag_of(answers.document(found)))
