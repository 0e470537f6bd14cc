"""Entity tags: whether somebody still has what there is (RFC 9110 section 8.8).

Invariants: the tag of a list that somebody looks at is weak, since a look leaves its report there and changes nothing else, and it is its reader's
and of one day, so that nobody is shown anything under another's look and each reader is reported at least once a day; the tag of what can be acted
upon is strong, and `If-Match` takes strong ones only.
"""

from hashlib import sha256
from http import HTTPStatus

from fastapi import Request

from adapters.api.problems import ProblemCode, ProblemError


def tag_of(*parts: str | bytes, weak: bool = False) -> str:
    """The tag of what these parts make up."""
    digest = sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return f'{"W/" if weak else ""}"{digest.hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """True where the caller has it already (`If-None-Match`)."""
    return _named(request.headers.get("if-none-match"), tag)


def require_match(request: Request, tag: str) -> None:
    """Raises `ProblemError` 412 where the caller acts on what is no longer so (`If-Match`); without the header nothing is required."""
    given = request.headers.get("if-match")
    if given is not None and not _named(given, tag):
        raise ProblemError(
            HTTPStatus.PRECONDITION_FAILED,
            ProblemCode.CHANGED_MEANWHILE,
            "It is not what If-Match names any more",
            advice="Read it again, decide again, and send the new ETag.",
        )


def _named(header: str | None, tag: str) -> bool:
    return header is not None and (header.strip() == "*" or tag in (one.strip() for one in header.split(",")))
