"""Bodies of requests: bounded, strict JSON, then the model that judges them.

Invariants: at most 256 KiB are read, whatever the headers promise; a member named twice is refused, since two readers would not agree on it; no
error quotes the body.
"""

from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request
from pydantic import TypeAdapter, ValidationError

from adapters.api.problems import Fault, ProblemCode, ProblemError, faults_of, invalid
from contracts import strict_json
from contracts.strict_json import StrictJsonError

MOST_BYTES: Final = 256 * 1024
_JSON: Final = "application/json"

Model = TypeVar("Model")


async def read_body(request: Request) -> bytes:
    """The body. Raises `ProblemError` where it is too large or of another type than JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            ProblemCode.NOT_JSON,
            "The body is not JSON by its content type",
            advice=f"Send `Content-Type: {_JSON}`.",
        )
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                ProblemCode.TOO_LARGE,
                "The body is larger than 256 KiB",
                advice="Shorten its texts: a message of the exchange holds no more.",
            )
    return bytes(body)


RawBody = Annotated[bytes, Depends(read_body)]


def parsed(raw: bytes, adapter: TypeAdapter[Any]) -> Any:  # noqa: ANN401 - what the adapter makes
    """What the body says. Raises `ProblemError`."""
    try:
        strict_json.parse(raw)
        return adapter.validate_json(raw)
    except StrictJsonError as error:
        raise invalid([Fault(where="body", what=f"{error.problem}: {error.advice}")]) from None
    except ValidationError as error:
        raise invalid(faults_of(error, "body")) from None
