"""Webhooks by the API: where news go, what did not get through.

Invariant: a secret is given by the caller and told to nobody, so that no stored answer holds one.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field, StringConstraints

from adapters.api import answers
from adapters.api.fields import Answer, Body
from adapters.api.guard import Caller
from adapters.api.pages import PageAsked, page_asked
from adapters.api.recording import Act
from adapters.api.routing import UnitRoutes, body_of
from adapters.api.tags import tag_of
from adapters.followers.webhooks import set_up
from adapters.followers.webhooks.set_up import Wanted
from adapters.process.tokens import Scope
from adapters.storage.webhooks import DeliveryState
from projections.process.clock import SystemClock

routes = UnitRoutes("webhooks")

_HIGHEST = 2**31 - 1
_EXAMPLE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq="  # noqa: S105 - an example

WebhookName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]


class NewWebhook(Body):
    """Where news are to go."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "intranet", "url": "https://intranet.example/spojka", "secret": _EXAMPLE_SECRET}]
        }
    )
    name: WebhookName = Field(description="A short name")
    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,1900}$")] = Field(description="Where news go")
    secret: Annotated[str, StringConstraints(pattern=r"^whsec_[A-Za-z0-9+/]{32,88}={0,2}$")] = Field(
        description="`whsec_` and 24 to 64 random bytes in base64; the receiver checks signatures by it (Standard Webhooks)"
    )
    types: Annotated[tuple[Annotated[str, StringConstraints(max_length=120)], ...], Field(max_length=100)] = Field(
        default=(), description="Types of entries to tell of; none: all"
    )
    content: bool = Field(default=False, description="Entries go along whole, where the adapter's settings allow it")


class NoWords(Body):
    """Nothing more is to be said: `{}`."""


class WebhookShown(Answer):
    """A webhook in use."""

    name: str
    url: str
    types: tuple[str, ...] = Field(description="Types of entries that it is told of; none: all")
    content: bool
    waiting: int = Field(description="Deliveries that wait to be sent")
    dead: int = Field(description="Deliveries that were given up")


class WebhookList(Answer):
    """All webhooks of the unit."""

    items: tuple[WebhookShown, ...]


class DeadShown(Answer):
    """A delivery that was given up."""

    number: int
    webhook: str
    webhook_id: str = Field(description="The `webhook-id` under which it was sent, and will be again")
    made_at: datetime
    attempts: int
    problem: str | None = Field(description="How the last attempt ended")


class DeadPage(Answer):
    """Deliveries that were given up."""

    items: tuple[DeadShown, ...]
    next: str | None = Field(description="`cursor` of the next page; null on the last")


class WebhookDone(Answer):
    """What was asked was done."""

    name: str | None = Field(default=None, description="The webhook")
    number: int | None = Field(default=None, description="The delivery")


@routes.read("/webhooks", scope=Scope.WEBHOOKS_READ, gives=WebhookList)
def list_webhooks(request: Request, caller: Caller) -> Response:
    """Where news of this unit go. Secrets are told to nobody."""
    with caller.served.house.store.read() as tx:
        items = tuple(
            WebhookShown(
                name=one.name,
                url=one.url,
                types=one.types,
                content=one.content,
                waiting=len(tx.webhooks.in_state(DeliveryState.WAITING, one.name)),
                dead=len(tx.webhooks.in_state(DeliveryState.DEAD, one.name)),
            )
            for one in tx.webhooks.all()
        )
    found = WebhookList(items=items)
    return answers.shown(request, found, tag=tag_of(answers.document(found)))


@routes.read("/webhooks/dead", scope=Scope.WEBHOOKS_READ, gives=DeadPage)
def dead_deliveries(request: Request, caller: Caller, page: Annotated[PageAsked, Depends(page_asked)]) -> Response:
    """What did not get through in three days, and why."""
    with caller.served.house.store.read() as tx:
        given_up = tx.webhooks.in_state(DeliveryState.DEAD)
    items, following = page.of(given_up, lambda one: f"{one.number:020d}")
    shown = tuple(
        DeadShown(
            number=one.number,
            webhook=one.webhook,
            webhook_id=one.webhook_id,
            made_at=one.made_at,
            attempts=one.attempts,
            problem=one.problem,
        )
        for one in items
    )
    found = DeadPage(items=shown, next=following)
    return answers.shown(request, found, tag=tag_of(answers.document(found)))


@routes.record("/webhooks", scope=Scope.WEBHOOKS_WRITE, takes=body_of(NewWebhook), gives=WebhookDone)
def add_webhook(act: Act, body: NewWebhook) -> tuple[HTTPStatus, bytes]:
    """Send news there from now on, signed by the secret that you give."""
    wanted = Wanted(body.name, body.url, body.types, body.content)
    set_up.add(act.tx, act.served.house.folder, wanted, secret=body.secret, at=SystemClock().now())
    return answers.done(WebhookDone(name=body.name))


@routes.record("/webhooks/{name}/remove", scope=Scope.WEBHOOKS_WRITE, takes=body_of(NoWords), gives=WebhookDone)
def remove_webhook(act: Act, body: NoWords, name: WebhookName) -> tuple[HTTPStatus, bytes]:
    """Send nothing there any more. What waits for it is dropped."""
    del body
    set_up.remove(act.tx, act.served.house.folder, name, at=SystemClock().now())
    return answers.done(WebhookDone(name=name))


@routes.record("/webhooks/dead/{number}/resend", scope=Scope.WEBHOOKS_WRITE, takes=body_of(NoWords), gives=WebhookDone)
def resend_delivery(
    act: Act, body: NoWords, number: Annotated[int, Path(ge=1, le=_HIGHEST)]
) -> tuple[HTTPStatus, bytes]:
    """Try one that was given up anew, under the same `webhook-id`."""
    del body
    set_up.resend(act.tx, number, at=SystemClock().now())
    return answers.done(WebhookDone(number=number))
