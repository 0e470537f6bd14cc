"""Clients of the unit: which there are, and beginning to work with one.

Invariant: only the unit's own case numbers are told, never the pseudonyms of the exchange.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from adapters.api import answers
from adapters.api.fields import Answer, Body, ClientName, Made, When, made
from adapters.api.guard import Caller
from adapters.api.pages import PageAsked, page_asked
from adapters.api.recording import Act
from adapters.api.routing import UnitRoutes, body_of
from adapters.api.tags import tag_of
from adapters.process.tokens import Scope
from contracts.code_lists import CodeOf
from contracts.messages.client import Areas, ClientContent, Contact
from contracts.names import ShortText

routes = UnitRoutes("clients")


class ClientPage(Answer):
    """Case numbers."""

    items: tuple[str, ...]
    next: str | None = Field(description="`cursor` of the next page; null on the last")


class NewClient(Body):
    """A person with whom the unit begins to work."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"client": "2026/117", "given_name": "Karel", "family_name": "Novák"}]}
    )
    client: ClientName = Field(description="Your case number")
    status: Annotated[str, CodeOf("status")] | None = Field(default=None, description="Status on the labour market")
    areas: Areas | None = Field(default=None, description="Area codes by role")
    given_name: ShortText | None = None
    family_name: ShortText | None = None
    birth_year: Annotated[int, Field(ge=1900, le=2100)] | None = None
    contact: Contact | None = None
    time: When | None = Field(default=None, description="Since when; absent: now")


@routes.read("/clients", scope=Scope.CLIENTS_READ, gives=ClientPage)
def list_clients(request: Request, caller: Caller, page: Annotated[PageAsked, Depends(page_asked)]) -> Response:
    """The unit's clients, by their case numbers, in alphabetical order. Nothing about them is told."""
    with caller.served.house.store.read() as tx:
        known = [client for client, _ in tx.clients.all()]
    items, following = page.of(known, lambda one: one)
    found = ClientPage(items=tuple(items), next=following)
    return answers.shown(request, found, tag=tag_of(answers.document(found)))


@routes.record("/clients", scope=Scope.CLIENTS_WRITE, takes=body_of(NewClient), gives=Made)
def enrol_client(act: Act, body: NewClient) -> tuple[HTTPStatus, bytes]:
    """Begin to work with a person. It stays here until there is a reason to share; who the person is goes sealed even then."""
    content = ClientContent(
        given_name=body.given_name, family_name=body.family_name, birth_year=body.birth_year, contact=body.contact
    )
    occasion = act.occasion(body.time)
    enrolled = act.desk.enrol(body.client, status=body.status, areas=body.areas, content=content, occasion=occasion)
    return answers.recorded(made(enrolled), enrolled)
