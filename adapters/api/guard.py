"""Who is let in: one token, one unit, the scopes that were given to it.

Invariants: nothing of a request but path, headers and query is read before the token was found good; a unit that is not there and a unit that is
not the token's are answered alike; an attempt on a client's path, report or referral that is refused for its token is reported, with whose it was.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from fastapi import Request

from adapters.api.problems import ProblemCode, ProblemError
from adapters.api.served_unit import ServedUnit
from adapters.desk.actions.duties import Access
from adapters.drafts import ClientKey
from adapters.process import tokens
from adapters.process.tokens import Scope
from adapters.storage.api_tokens import KeptToken
from adapters.storage.unit_store import Transaction
from contracts.names import ActorId, SubjectId, UnitId

ACTOR_HEADER: Final = "Spojka-Actor"
_BEARER: Final = "bearer "
_ACTOR: Final = re.compile(r"[a-z0-9-]{1,40}/[A-Za-z0-9._-]{1,60}")
_REPORT: Final = re.compile(r"^/v1/units/[^/]+/reports/")
_LONGEST_NUMBER: Final = 9
_OTHER_UNIT: Final = "other-unit"
_NO_SCOPE: Final = "no-scope"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and which unit."""

    served: ServedUnit
    token: KeptToken

    def require(self, scope: Scope) -> None:
        """Raises `ProblemError` where the token lacks it."""
        if scope.value not in self.token.scopes:
            raise _not_allowed(
                f"This token lacks the scope {scope}", "Have one made that has it: spojka-adapter token new."
            )


def let_in(request: Request, scope: Scope) -> Caller:
    """The caller of a request. Raises `ProblemError` 401 without a valid token, 403 for another unit's or one without the scope."""
    served: dict[UnitId, ServedUnit] = request.app.state.units
    text = _sent(request)
    own = None if text is None else served.get(tokens.unit_in(text) or UnitId(""))
    token = None if text is None or own is None else tokens.checked(own.house, text)
    if token is None or own is None:
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            ProblemCode.NO_TOKEN,
            "There is no valid token in this request",
            advice="Send `Authorization: Bearer TOKEN`, as `spojka-adapter token new` printed it.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    asked = UnitId(str(request.path_params.get("unit", "")))
    if asked != own.unit:
        _report(request, served.get(asked), own.unit, _OTHER_UNIT)
        raise _not_allowed("This token is not of that unit", f"It opens /v1/units/{own.unit} only.")
    caller = Caller(own, token)
    if scope.value not in token.scopes:
        _report(request, own, own.unit, _NO_SCOPE)
    caller.require(scope)
    return caller


def _sent(request: Request) -> str | None:
    headers = request.headers.getlist("authorization")
    if len(headers) != 1 or not headers[0].lower().startswith(_BEARER):
        return None
    return headers[0][len(_BEARER) :].strip()


def _not_allowed(detail: str, advice: str) -> ProblemError:
    return ProblemError(HTTPStatus.FORBIDDEN, ProblemCode.NOT_ALLOWED, detail, advice=advice)


def _report(request: Request, asked: ServedUnit | None, by: UnitId, reason: str) -> None:
    """A worker tried to open a client's path and was refused."""
    actor = request.headers.get(ACTOR_HEADER)
    if asked is None or actor is None or _ACTOR.fullmatch(actor) is None:
        return
    subject = _about(request, asked)
    if subject is not None:
        asked.house.desk.report_access(subject, Access(ActorId(actor), by, outcome="refused", reason=reason))


def _about(request: Request, asked: ServedUnit) -> SubjectId | None:
    """Whom a request is about: the client that it names, or the one whose report or referral it asks for."""
    client, referral = request.query_params.get("client"), request.path_params.get("referral_id")
    if client is None and request.method == "GET" and referral is not None:
        found = asked.referral(str(referral))
        return None if found is None else found.subject
    with asked.house.store.read() as tx:
        return tx.clients.subject_of(ClientKey(client)) if client is not None else _of_report(request, tx)


def _of_report(request: Request, tx: Transaction) -> SubjectId | None:
    number = str(request.path_params.get("number", ""))
    if not _REPORT.search(request.url.path) or not number.isdecimal() or len(number) > _LONGEST_NUMBER:
        return None
    report = tx.reports.find(int(number))
    return None if report is None else report.subject
