"""What the API answers when it does not do what was asked: problem details of RFC 9457.

Invariants: every answer that is no success is one of these; a code once published keeps its meaning; no text quotes what was sent.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Final

from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

MEDIA_TYPE: Final = "application/problem+json"


class ProblemCode(StrEnum):
    """Why a request was not done. What the unit's rules refuse bears their own code instead (`no-ground`, `unknown-unit` …)."""

    INVALID_REQUEST = "invalid-request"
    """A header, a parameter or the body is not as described."""
    NO_TOKEN = "no-token"  # noqa: S105 - a code
    """There is no valid token: none was sent, or it expired, was revoked, or never was one."""
    NOT_ALLOWED = "not-allowed"
    """The token is of another unit, or lacks the scope."""
    NOT_FOUND = "not-found"
    """There is no such thing at this unit."""
    METHOD_NOT_ALLOWED = "method-not-allowed"
    """The address knows other methods."""
    NOT_POSSIBLE = "not-possible"
    """It cannot be done as things stand; nothing was changed."""
    CHANGED_MEANWHILE = "changed-meanwhile"
    """It is no longer what `If-Match` names: read it again."""
    TOO_LARGE = "too-large"
    """The body is larger than 256 KiB."""
    NOT_JSON = "not-json"
    """The body's content type is not application/json."""
    KEY_REUSED = "key-reused"
    """This idempotency key came before with another request."""
    NOT_READY = "not-ready"
    """The unit cannot work now: its disk is full, or its settings need a person."""
    INTERNAL = "internal"
    """A fault of the adapter. Send it again with the same idempotency key; look at the adapter's log."""


class Fault(BaseModel):
    """One thing that is wrong in a request."""

    model_config = ConfigDict(frozen=True)
    where: str = Field(description="Place in the request: `body.facts.level`")
    what: str = Field(description="What is wrong with it; never what was sent")


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:spojka:problem:no-ground",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "No reason to share names this unit.",
                    "code": "no-ground",
                    "advice": "Correct it under its number and send it again.",
                    "item": 7,
                }
            ]
        },
    )
    type: str = Field(description="`urn:spojka:problem:` and the code")
    title: str = Field(description="The status in words")
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str = Field(description="What is wrong, for a person")
    code: str = Field(description="Why, for a machine: a code of this API or of the exchange")
    advice: str = Field(description="What to do next")
    faults: tuple[Fault, ...] | None = Field(default=None, description="What is wrong in the request, one by one")
    item: int | None = Field(default=None, description="Under this number it waits for a correction")


class ProblemError(Exception):
    """Ends a request with a problem; whatever was written in its transaction is undone."""

    def __init__(  # noqa: PLR0913 - one keyword a member
        self,
        status: HTTPStatus,
        code: ProblemCode,
        detail: str,
        *,
        advice: str,
        faults: Sequence[Fault] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = problem(status, code, detail, advice=advice, faults=faults)
        self.headers = dict(headers or {})


def problem(  # noqa: PLR0913 - one keyword a member
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    advice: str,
    faults: Sequence[Fault] | None = None,
    item: int | None = None,
) -> Problem:
    """A problem with its type and title."""
    return Problem(
        type=f"urn:spojka:problem:{code}",
        title=status.phrase,
        status=status,
        detail=detail,
        code=code,
        advice=advice,
        faults=None if faults is None else tuple(faults),
        item=item,
    )


def response(told: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as an answer."""
    body = told.model_dump_json(exclude_none=True).encode()
    return Response(body, status_code=told.status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def invalid(faults: Sequence[Fault], *, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY) -> ProblemError:
    """What was sent is not as described."""
    return ProblemError(
        status,
        ProblemCode.INVALID_REQUEST,
        "The request is not as the document of this API describes it",
        advice="Correct what `faults` names and send it again under a new idempotency key.",
        faults=faults,
    )


def faults_of(error: ValidationError, *within: str) -> list[Fault]:
    """What pydantic found, without what was sent."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [Fault(where=".".join([*within, *map(str, one["loc"])]), what=one["msg"]) for one in found]
