"""The application: all routes, and how every failure is told.

Invariants: whatever goes wrong is a problem of `problems`, without what was sent; an unexpected error is logged by its class and place alone and
never ends the process; a request is counted by its route, never by its address, which names clients.
"""

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.api import (
    clients,
    consents,
    corrections,
    entries,
    line,
    paths,
    problems,
    referrals,
    reports,
    rights,
    webhooks,
)
from adapters.api.problems import Fault, Problem, ProblemCode, ProblemError, problem
from adapters.api.served_unit import ServedUnit
from adapters.desk.recording_desk import DeskError
from adapters.errors import AdapterError
from adapters.followers.webhooks.secrets_kept import WebhookError
from adapters.process import metrics

TITLE: Final = "Spojka, local API"
VERSION: Final = "1.0.0"
THEMES: Final = (clients, entries, paths, reports, referrals, consents, rights, corrections, line, webhooks)

_log = structlog.get_logger("spojka.adapter")


def create_app(units: Sequence[ServedUnit]) -> FastAPI:
    """The API of these units. Its document is not served: see `document`."""
    app = FastAPI(title=TITLE, version=VERSION, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.units = {one.unit: one for one in units}
    for theme in THEMES:
        app.include_router(theme.routes.router)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(AdapterError, _adapter)
    app.add_middleware(_Watched)
    return app


class _Watched:
    """Counts each request, and answers for what failed unexpectedly."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.monotonic(), int(HTTPStatus.INTERNAL_SERVER_ERROR)
        started = False

        async def noted(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            _log.exception("request failed", path=_route_of(scope), error=type(error).__name__)
            if started:
                raise
            await problems.response(_INTERNAL)(scope, receive, noted)
        finally:
            metrics.API_REQUESTS.labels(
                _route_of(scope), scope["method"] if status != _NO_METHOD else "", str(status)
            ).inc()
            metrics.API_SECONDS.labels(_route_of(scope)).observe(time.monotonic() - begun)


_NO_METHOD: Final = HTTPStatus.METHOD_NOT_ALLOWED
_INTERNAL: Final[Problem] = problem(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    ProblemCode.INTERNAL,
    "Something unexpected happened in the adapter; nothing was recorded",
    advice="Send it again with the same idempotency key; look at the adapter's log.",
)


def _route_of(scope: Scope) -> str:
    """The pattern of the address, in which no client stands."""
    return str(getattr(scope.get("route"), "path", ""))


def _problem(_: Request, error: Exception) -> Response:
    found = _as(ProblemError, error)
    return problems.response(found.problem, found.headers)


def _invalid(_: Request, error: Exception) -> Response:
    found = _as(RequestValidationError, error)
    faults = [Fault(where=".".join(str(part) for part in one["loc"]), what=str(one["msg"])) for one in found.errors()]
    return problems.response(problems.invalid(faults, status=HTTPStatus.BAD_REQUEST).problem)


def _http(_: Request, error: Exception) -> Response:
    found = _as(HTTPException, error)
    status = HTTPStatus(found.status_code)
    code = ProblemCode.METHOD_NOT_ALLOWED if status is _NO_METHOD else ProblemCode.NOT_FOUND
    told = problem(
        status, code, status.description or status.phrase, advice="See the document of this API for its addresses."
    )
    return problems.response(told, found.headers)


def _adapter(_: Request, error: Exception) -> Response:
    """What the desk cannot do as things stand is the caller's to know; all else needs whoever runs the adapter."""
    found = _as(AdapterError, error)
    if isinstance(found, DeskError | WebhookError):
        return problems.response(
            problem(HTTPStatus.CONFLICT, ProblemCode.NOT_POSSIBLE, found.problem, advice=found.advice)
        )
    _log.warning("request not possible", problem=found.problem, advice=found.advice)
    return problems.response(
        problem(HTTPStatus.SERVICE_UNAVAILABLE, ProblemCode.NOT_READY, found.problem, advice=found.advice)
    )


def _as(kind: type[Any], error: Exception) -> Any:  # noqa: ANN401 - the handler's own kind
    if not isinstance(error, kind):
        raise error
    return error
