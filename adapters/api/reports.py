"""What a client is handed about themselves, for the unit's own system: a report that was gone through, the portable copy, and who looked.

Invariants: each is what the command line gives to the same reader, reported and listed before it is answered; a report that nobody has gone through
is refused, and that is reported too. Drafting and reviewing are done at the command line, where a person reads.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel

from adapters.api import answers
from adapters.api.fields import ClientQuery, looking
from adapters.api.guard import Caller
from adapters.api.people import subject_of
from adapters.api.problems import ProblemCode, ProblemError
from adapters.api.routing import UnitRoutes
from adapters.api.tags import tag_of
from adapters.process import looks
from adapters.process.looks import Look
from adapters.process.tokens import Scope
from adapters.reports.composing import NotReviewedError
from adapters.reports.flow import ReportError, Reporting
from contracts.access_view import AccessView
from contracts.personal_report import PersonalReport, PortableCopy

routes = UnitRoutes("reports")

_HIGHEST = 2**31 - 1
_OTHER_PURPOSE = "other-purpose"
Number = Annotated[int, Path(ge=1, le=_HIGHEST, description="The number that `spojka-adapter report list` shows")]


@routes.read("/reports/{number}", scope=Scope.REPORTS_READ, gives=PersonalReport)
def report(request: Request, caller: Caller, number: Number, look: Annotated[Look, Depends(looking)]) -> Response:
    """Everything that this unit may see about a client, for the client (GDPR Art. 15): the document `personal-report.v1`.

    The look is reported, and what it holds of others is listed as a copy. 403 while nobody has gone through it (`spojka-adapter report review`).
    """
    del request
    doing = _doing(caller, number, look)
    try:
        found = doing.report(number, None, language=caller.served.house.settings.language)
    except NotReviewedError as error:
        raise _refused(error.problem, error.advice) from error
    doing.given(number, "json")
    return _handed(found)


@routes.read("/reports/{number}/portable-copy", scope=Scope.REPORTS_READ, gives=PortableCopy)
def portable_copy(
    request: Request, caller: Caller, number: Number, look: Annotated[Look, Depends(looking)]
) -> Response:
    """What this unit recorded about a client, for another system (GDPR Art. 20): the document `portable-copy.v1`.

    The look is reported. 403 while nobody has gone through the report that it belongs to.
    """
    del request
    doing = _doing(caller, number, look)
    try:
        found = doing.portable_copy(number, None)
    except NotReviewedError as error:
        raise _refused(error.problem, error.advice) from error
    doing.given(number, "portable-copy")
    return _handed(found)


@routes.read("/accesses", scope=Scope.ACCESSES_READ, gives=AccessView)
def accesses(
    request: Request, caller: Caller, client: ClientQuery, look: Annotated[Look, Depends(looking)]
) -> Response:
    """Who looked at a client's data as far as this unit knows, for the client: the document `access-view.v1`. The look is reported."""
    del request
    served = caller.served
    subject = subject_of(served, client)
    doing = Reporting(served.house, look.reader, served.overviews())
    return _handed(doing.accesses(subject, None, look.purpose))


def _doing(caller: Caller, number: int, look: Look) -> Reporting:
    """Raises `ProblemError` 404 where there is no such report, 403 for another purpose than the one it was made for."""
    served = caller.served
    doing = Reporting(served.house, look.reader, served.overviews())
    try:
        kept = doing.kept(number)
    except ReportError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, ProblemCode.NOT_FOUND, error.problem, advice=error.advice) from error
    if kept.purpose is not look.purpose:
        looks.report_refused(served.house, kept.subject, look=look, reason=_OTHER_PURPOSE)
        raise _refused("The report was made for another purpose", "Draft one for this purpose.")
    return doing


def _refused(problem: str, advice: str) -> ProblemError:
    return ProblemError(HTTPStatus.FORBIDDEN, ProblemCode.NOT_ALLOWED, problem, advice=advice)


def _handed(document: BaseModel) -> Response:
    """As the published schemas have it: what is absent is left out, never null. It is made anew each time, so nobody may keep it for later."""
    body = document.model_dump_json(exclude_none=True).encode()
    return Response(body, media_type=answers.JSON, headers={"ETag": tag_of(body), "Cache-Control": "private, no-store"})
