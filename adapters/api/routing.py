"""How routes are made: each with the scope that opens it, what it takes and what it answers.

Invariants: a route cannot be made without a scope, and the token is checked before anything else of the request; every answer that a route can give
stands in its description.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, TypeAdapter

from adapters.api.bodies import RawBody, parsed
from adapters.api.guard import Caller, let_in
from adapters.api.problems import MEDIA_TYPE, Problem
from adapters.api.recording import Act, Asked, IdempotencyKey, OptionalActor, once
from adapters.process.tokens import Scope
from contracts.names import Unit

BASE: Final = "/v1/units/{unit}"
SCOPE: Final = "x-spojka-scope"
TAKES: Final = "x-spojka-takes"

_ALWAYS: Final = (400, 401, 403, 404, 503)
_READING: Final = (304,)
_RECORDING: Final = (409, 412, 413, 415, 422)

UnitName = Annotated[Unit, Path(description="The unit's short name", examples=["op"])]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="The ETag that you have: 304 where it still holds")
]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag that you decided by: 412 where it no longer holds")
]


Answers = dict[int | str, dict[str, Any]]
"""By status, as FastAPI describes them."""


@dataclass(frozen=True, slots=True)
class Takes:
    """The body of a route: what judges it, and under which name it is described."""

    name: str
    adapter: TypeAdapter[Any]


def body_of(model: type[BaseModel]) -> Takes:
    """A body that is one model."""
    return Takes(model.__name__, TypeAdapter(model))


class UnitRoutes:
    """Routes below one unit, of one theme."""

    def __init__(self, theme: str) -> None:
        self.router = APIRouter(prefix=BASE, tags=[theme])

    def read(self, path: str, *, scope: Scope, gives: type[BaseModel]) -> Callable[..., Any]:
        """A route that shows something: a function of FastAPI that answers by `answers.shown`; whoever the token names is given as `caller`."""
        declared: Answers = {200: {"model": gives, "headers": _ETAG}, **_answers(_ALWAYS), 304: _UNCHANGED}

        def register(function: Callable[..., Response]) -> Callable[..., Response]:
            endpoint = _with_caller(function, scope)
            self._add(path, endpoint, "GET", scope=scope, responses=declared)
            return function

        return register

    def record(
        self, path: str, *, scope: Scope, takes: Takes, gives: type[BaseModel], status: HTTPStatus = HTTPStatus.CREATED
    ) -> Callable[..., Any]:
        """A route that records something: a function of the act, what the body says, and the path's parameters."""
        declared: Answers = {
            int(status): {"model": gives, "headers": _REPLAYED},
            **_answers(_ALWAYS),
            **_answers(_RECORDING),
        }

        def register(function: Callable[..., tuple[HTTPStatus, bytes]]) -> Callable[..., Any]:
            endpoint = _recording(function, scope, takes)
            self._add(path, endpoint, "POST", scope=scope, responses=declared, status=status, takes=takes)
            return function

        return register

    def _add(  # noqa: PLR0913 - what a route is
        self,
        path: str,
        endpoint: Callable[..., Any],
        method: str,
        *,
        scope: Scope,
        responses: Answers,
        status: HTTPStatus = HTTPStatus.OK,
        takes: Takes | None = None,
    ) -> None:
        extra: dict[str, Any] = {SCOPE: scope.value}
        if takes is not None:
            extra[TAKES] = takes.name
        summary, _, rest = (endpoint.__doc__ or "").partition("\n")
        self.router.add_api_route(
            path,
            endpoint,
            methods=[method],
            status_code=status,
            responses=responses,
            summary=summary.strip().rstrip("."),
            description=" ".join(f"{summary} {rest}".split()),
            openapi_extra=extra,
            response_model=None,
            name=endpoint.__name__,
        )
        if takes is not None:
            BODIES[takes.name] = takes


BODIES: Final[dict[str, Takes]] = {}
"""What routes take, by name: see `document`."""

_ETAG: Final = {"ETag": {"description": "Of what is shown", "schema": {"type": "string"}}}
_REPLAYED: Final = {
    "Idempotency-Replayed": {
        "description": "`true` where this key was answered before, and nothing was done now",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_UNCHANGED: Final = {"description": "It is what If-None-Match names"}


def _answers(codes: tuple[int, ...]) -> Answers:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        code: {"description": HTTPStatus(code).phrase, "content": {MEDIA_TYPE: {"schema": schema}}} for code in codes
    }


def _caller_of(scope: Scope) -> Callable[[Request], Caller]:
    def check(request: Request) -> Caller:
        return let_in(request, scope)

    return check


def _with_caller(function: Callable[..., Response], scope: Scope) -> Callable[..., Response]:
    """The function with its `caller` found by the token."""
    given = signature(function)
    first = given.parameters["caller"].replace(annotation=Annotated[Caller, Depends(_caller_of(scope))])
    rest = [one for one in given.parameters.values() if one.name != "caller"]

    known = Parameter("known", Parameter.KEYWORD_ONLY, default=None, annotation=IfNoneMatch)

    def endpoint(**arguments: Any) -> Response:  # noqa: ANN401 - by the signature that is set below
        for described_only in ("unit", "known"):
            arguments.pop(described_only)
        return function(**arguments)

    return _signed(endpoint, function, [first, _parameter("unit", UnitName), *rest, known])


def _recording(
    function: Callable[..., tuple[HTTPStatus, bytes]], scope: Scope, takes: Takes
) -> Callable[..., Response]:
    """The function as an endpoint that reads, parses and does it once."""
    rest = [one for one in signature(function).parameters.values() if one.name not in {"act", "body"}]
    own = [
        _parameter("caller", Annotated[Caller, Depends(_caller_of(scope))]),
        _parameter("unit", UnitName),
        _parameter("request", Request),
        _parameter("key", IdempotencyKey),
        _parameter("raw", RawBody),
        Parameter("actor", Parameter.KEYWORD_ONLY, default=None, annotation=OptionalActor),
        Parameter("decided_by", Parameter.KEYWORD_ONLY, default=None, annotation=IfMatch),
    ]

    def endpoint(*, caller: Caller, request: Request, key: str, raw: bytes, actor: Any, **more: Any) -> Response:  # noqa: ANN401 - see above
        for described_only in ("unit", "decided_by"):
            more.pop(described_only)
        body = parsed(raw, takes.adapter)

        def act(now: Act) -> tuple[HTTPStatus, bytes]:
            return function(now, body, **more)

        return once(Asked(request, caller, key, actor, raw), act)

    return _signed(endpoint, function, [*own, *rest])


def _parameter(name: str, annotation: Any) -> Parameter:  # noqa: ANN401 - an annotation
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation)


def _signed(
    endpoint: Callable[..., Response], function: Callable[..., Any], parameters: list[Parameter]
) -> Callable[..., Response]:
    by_name = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in parameters]
    endpoint.__name__, endpoint.__doc__ = function.__name__, function.__doc__
    endpoint.__signature__ = Signature(by_name)  # type: ignore[attr-defined] # what FastAPI reads
    return endpoint
