"""How routes answer: what was recorded, and what somebody looks at.

Invariants: what is shown was reported before; a document that the caller has already is not sent again.
"""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from adapters.api.problems import problem
from adapters.api.tags import is_known
from adapters.desk.recorded import Recorded, RecordedState
from adapters.storage.api_answers import KeptAnswer

JSON: str = "application/json"


def document(model: BaseModel) -> bytes:
    """As it is sent: absent members are left out where the model says so, never by chance."""
    return model.model_dump_json().encode()


def shown(
    request: Request,
    model: BaseModel,
    *,
    tag: str,
    report: Callable[[], None] | None = None,
    report_unchanged: bool = False,
) -> Response:
    """The document, reported first; or 304 where the caller has it already."""
    known = is_known(request, tag)
    if report is not None and (report_unchanged or not known):
        report()
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(document(model), media_type=JSON, headers=headers)


def done(model: BaseModel, status: HTTPStatus = HTTPStatus.CREATED) -> tuple[HTTPStatus, bytes]:
    """What was asked was done."""
    return status, document(model)


def recorded(model: BaseModel, *made: Recorded | None) -> tuple[HTTPStatus, bytes]:
    """The document where everything was recorded; the problem of the first that was refused, which waits for a correction."""
    refused = next((one for one in made if one is not None and one.state is RecordedState.REFUSED), None)
    if refused is None:
        return done(model)
    told = problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        refused.reason or "",
        refused.explanation or "",
        advice="Correct it under the number in `item` (GET, then POST …/resend), or do it anew.",
        item=refused.quarantine,
    )
    return HTTPStatus.UNPROCESSABLE_ENTITY, told.model_dump_json(exclude_none=True).encode()


def response(answer: KeptAnswer, *, repeated: bool) -> Response:
    """A kept answer as an answer; one that was given before says so."""
    failed = answer.status >= HTTPStatus.BAD_REQUEST
    headers = {"Idempotency-Replayed": "true"} if repeated else {}
    media_type = "application/problem+json" if failed else JSON
    return Response(answer.body, status_code=answer.status, media_type=media_type, headers=headers)
