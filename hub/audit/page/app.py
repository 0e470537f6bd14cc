"""The auditor's page: its routes, and how every failure is told.

Invariants: a client's path, accesses or duties show only after the log holds that this auditor looked; whatever goes wrong is a page in words,
without what was sent; an unexpected error is logged by its class and place alone and never ends the process. Works without JavaScript and loads
nothing from elsewhere.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from contracts.code_lists import load
from contracts.names import SubjectId, UnitId
from hub.application.ports import HubError
from hub.audit.history import UnknownSubjectError
from hub.audit.page import asked
from hub.audit.page.alarms import alarms, ledgers
from hub.audit.page.door import OPEN, Door, cookie_of, fields_of, from_here, own_address
from hub.audit.page.evidence import Evidence, Stop
from hub.audit.page.looks import Look, Looks, NotRecordedError
from hub.audit.page.rendering import SCRIPT, STYLE, Drawing, language_of
from hub.audit.page.sessions import Session
from hub.audit.page.tokens import AuditorTokens
from hub.audit.replay import Replayed
from hub.entrypoints.house import House
from hub.words import LANGUAGES
from projections.access_search import Found, Kind, Receiver
from projections.errors import ProjectionsError
from projections.obligations import ObligationState
from projections.runner import Lag

PURPOSES: Final = "audit-purpose"
_log = structlog.get_logger("spojka.hub.audit")


def create_app(  # noqa: PLR0913 - the parts of the page, by keyword
    house: House,
    evidence: Evidence,
    looks: Looks,
    tokens: AuditorTokens,
    *,
    secure: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The page of one programme."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    pages = _Pages(house, evidence, looks, Door(tokens, clock, secure=secure))
    for path, methods, route in (
        ("/", ["GET"], pages.first),
        ("/sign-in", ["GET"], pages.sign_in),
        ("/sign-in", ["POST"], pages.signed_in),
        ("/sign-out", ["POST"], pages.sign_out),
        ("/search", ["GET"], pages.search),
        ("/clients/{client}", ["GET"], pages.client),
        ("/duties", ["GET"], pages.duties),
        ("/alarms", ["GET"], pages.alarms),
        ("/proof-record", ["GET"], pages.proof_record),
        ("/page.css", ["GET"], pages.style),
        ("/replay.js", ["GET"], pages.script),
    ):
        app.add_api_route(path, route, methods=methods, response_model=None)
    app.middleware("http")(pages.guarded)
    app.add_exception_handler(HTTPStatus.NOT_FOUND, pages.nothing)
    app.add_exception_handler(HTTPStatus.METHOD_NOT_ALLOWED, pages.nothing)
    return app


class _Pages:
    """What is shown at each address."""

    def __init__(self, house: House, evidence: Evidence, looks: Looks, door: Door) -> None:
        self._clock = house.clock
        self._zone = house.programme.directory.zone
        self._house = house
        self._evidence = evidence
        self._looks = looks
        self._door = door
        self._drawing = Drawing(house.programme.directory.listed.programme, self._zone)

    async def guarded(self, request: Request, call_next: Callable[[Request], Any]) -> Response:
        """Every request passes here: who asks, from where, and what to say when it fails."""
        request.state.session = None
        try:
            response = await self._answered(request, call_next)
        except NotRecordedError:
            response = self._told(request, HTTPStatus.SERVICE_UNAVAILABLE, "not-recorded")
        except (HubError, ProjectionsError) as error:
            _log.warning("audit-page.not-possible", error=type(error).__name__)
            response = self._told(request, HTTPStatus.SERVICE_UNAVAILABLE, "not-ready")
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asks gets an answer, and the log its place
            _log.exception("audit-page.failed", error=type(error).__name__)
            response = self._told(request, HTTPStatus.INTERNAL_SERVER_ERROR, "failed")
        response.headers.update(self._door.headers)
        if request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(**cookie_of(language_of(request)), secure=self._door.secure)
        return response

    async def _answered(self, request: Request, call_next: Callable[[Request], Any]) -> Response:
        if not from_here(request):
            return self._told(request, HTTPStatus.FORBIDDEN, "not-from-here")
        request.state.session = await run_in_threadpool(self._door.session, request)
        if request.state.session is None and request.url.path not in OPEN:
            return self._form(request, HTTPStatus.UNAUTHORIZED, next_address=_address(request))
        response: Response = await call_next(request)
        return response

    async def first(self) -> Response:
        """The search is where one begins."""
        return RedirectResponse("/search", HTTPStatus.SEE_OTHER)

    async def style(self) -> Response:
        """How it is drawn."""
        return Response(STYLE, media_type="text/css")

    async def script(self) -> Response:
        """What makes the slider of it."""
        return Response(SCRIPT, media_type="text/javascript")

    async def sign_in(self, request: Request) -> Response:
        """The form."""
        return self._form(request, HTTPStatus.OK)

    async def signed_in(self, request: Request) -> Response:
        """A token and what is looked for; then on to what was asked for at first."""
        fields = await fields_of(request)
        next_address = own_address(fields.get("next", ""))
        if not self._door.may_try(request):
            response = self._form(request, HTTPStatus.TOO_MANY_REQUESTS, wrong="busy", next_address=next_address)
            response.headers["Retry-After"] = "60"
            return response
        token = await run_in_threadpool(self._door.tokens.checked, fields.get("token", "").strip())
        purpose = fields.get("purpose", "")
        known = purpose in load(PURPOSES).codes
        if token is None or not known:
            wrong = "token" if token is None else "purpose"
            return self._form(
                request, HTTPStatus.UNPROCESSABLE_ENTITY, wrong=wrong, next_address=next_address, purpose=purpose
            )
        _log.info("audit-page.signed-in", token=token.token_id)
        name = self._door.sessions.begin(token, purpose)
        return self._door.let_in(RedirectResponse(next_address, HTTPStatus.SEE_OTHER), name)

    async def sign_out(self, request: Request) -> Response:
        """The session is over, if its own form asks for it."""
        fields, session = await fields_of(request), _session(request)
        if fields.get("form") != session.form:
            return self._told(request, HTTPStatus.FORBIDDEN, "not-from-here")
        return self._door.let_out(request, RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER))

    async def search(self, request: Request) -> Response:
        """The form, and what was found."""
        receivers = await run_in_threadpool(self._evidence.receivers)
        sought = asked.search_asked(request.query_params, receivers, self._zone)
        found: Sequence[Found] = ()
        more = False
        if sought.asked and not sought.faults:
            last = sought.page * asked.ROWS
            every = await run_in_threadpool(self._evidence.search, sought.question, limit=last + 1)
            found, more = every[last - asked.ROWS : last], len(every) > last and sought.page < asked.MOST_PAGES
            period = (sought.question.since, sought.question.until)
            await self._tell(request, [Look(one.subject, "accesses", *period) for one in found])
        return self._page(
            request,
            "search.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if sought.faults else HTTPStatus.OK,
            receivers=receivers,
            asked=sought,
            typed={name: sought.typed.get(name, "") for name in asked.FIELDS},
            institutions=_by_institution(receivers),
            kinds=list(Kind),
            found=found,
            newer=_page_address("/search", sought.typed, sought.page - 1) if sought.page > 1 else None,
            older=_page_address("/search", sought.typed, sought.page + 1) if more else None,
        )

    async def client(self, request: Request, client: str) -> Response:
        """One client's path as of a moment: of a stop, of the end of a day, else of now."""
        subject = asked.subject_of(client)
        if subject is None:
            return self._told(request, HTTPStatus.NOT_FOUND, "no-client")
        try:
            stops = await run_in_threadpool(self._evidence.stops, subject)
        except UnknownSubjectError:
            return self._told(request, HTTPStatus.NOT_FOUND, "no-client")
        await self._tell(request, [Look(subject, "path")])
        return await run_in_threadpool(self._as_of, request, subject, stops)

    def _as_of(self, request: Request, subject: SubjectId, stops: Sequence[Stop]) -> Response:
        typed = request.query_params.get("at", "").strip()
        day, chosen = asked.day_of(typed), asked.number_of(request.query_params.get("stop", ""))
        if chosen is not None:
            at = stops[min(chosen, len(stops) - 1)].at
        elif day is not None:
            at = asked.end_of(day, self._zone)
        else:
            at = max(self._clock.now(), stops[-1].at)
        past = [stop for stop in stops if stop.at <= at]
        shown = self._replayed(subject, at) if past else None
        return self._page(
            request,
            "client.html",
            receivers=self._evidence.receivers(),
            status=HTTPStatus.UNPROCESSABLE_ENTITY if typed and day is None else HTTPStatus.OK,
            wrong=bool(typed) and day is None,
            typed=typed,
            client=subject,
            stops=stops,
            number=len(past) - 1,
            at=at,
            found=shown,
            behind=_furthest(self._evidence.shard_of(subject).models.lag(at)),
        )

    def _replayed(self, subject: SubjectId, at: datetime) -> Replayed | None:
        """None where by then there was nothing but refusals."""
        try:
            return self._evidence.replayed(subject, at)
        except UnknownSubjectError:
            return None

    async def duties(self, request: Request) -> Response:
        """What units must erase, or had to."""
        now, which = self._clock.now(), request.query_params.get("state", "")
        every = await run_in_threadpool(self._evidence.obligations, now)
        receivers = await run_in_threadpool(self._evidence.receivers)
        rows = [(one, state) for one in every if which not in set(ObligationState) or one.state(now) == which
                for state in (one.state(now),)]  # fmt: skip
        page = asked.page_of(request.query_params)
        last = page * asked.ROWS
        shown = rows[last - asked.ROWS : last]
        await self._tell(request, [Look(one.subject, "duties") for one, _ in shown])
        typed = {"state": which} if which in set(ObligationState) else {}
        return self._page(
            request,
            "duties.html",
            receivers=receivers,
            rows=shown,
            count=len(rows),
            which=which,
            states=list(ObligationState),
            newer=_page_address("/duties", typed, page - 1) if page > 1 else None,
            older=_page_address("/duties", typed, page + 1) if len(rows) > last else None,
        )

    async def alarms(self, request: Request) -> Response:
        """What a person should look at."""
        return await run_in_threadpool(self._alarms, request)

    def _alarms(self, request: Request) -> Response:
        now = self._clock.now()
        found = alarms(self._evidence, ledgers(self._house, self._evidence), now)
        return self._page(request, "alarms.html", found=found, now=now)

    async def proof_record(self, request: Request) -> Response:
        """How the ledger is."""
        return await run_in_threadpool(self._proof_record, request)

    def _proof_record(self, request: Request) -> Response:
        now = self._clock.now()
        return self._page(
            request,
            "proof_record.html",
            ledgers=ledgers(self._house, self._evidence),
            parts=list(zip(self._evidence.standing(), map(_furthest, self._evidence.lags(now)), strict=True)),
        )

    async def nothing(self, request: Request, _error: Exception) -> Response:
        """There is no such page."""
        return self._told(request, HTTPStatus.NOT_FOUND, "no-page")

    async def _tell(self, request: Request, looks: Sequence[Look]) -> None:
        await self._looks.tell(_session(request), looks)

    def _page(
        self,
        request: Request,
        template: str,
        *,
        receivers: Sequence[Receiver] = (),
        status: int = HTTPStatus.OK,
        **values: Any,  # noqa: ANN401 - what the template shows
    ) -> Response:
        names = {one.unit: f"{one.name} ({one.unit})" for one in receivers} | {UnitId("hub"): "hub"}
        return self._drawing.page(
            request, template, session=request.state.session, status=status, names=names, **values
        )

    def _told(self, request: Request, status: int, what: str) -> Response:
        return self._page(request, "told.html", status=status, what=what)

    def _form(
        self, request: Request, status: int, *, wrong: str = "", next_address: str = "/search", purpose: str = ""
    ) -> Response:
        return self._page(
            request,
            "sign_in.html",
            status=status,
            wrong=wrong,
            next_address=next_address,
            purpose=purpose,
            purposes=[one.notation for one in load(PURPOSES).concepts],
        )


def _session(request: Request) -> Session:
    found: Session = request.state.session
    return found


def _address(request: Request) -> str:
    """Where a request that was not let in wanted to go."""
    if request.method != "GET":
        return "/search"
    return own_address(request.url.path + (f"?{request.url.query}" if request.url.query else ""))


def _by_institution(receivers: Sequence[Receiver]) -> Mapping[str, Sequence[Receiver]]:
    found: dict[str, list[Receiver]] = {}
    for one in receivers:
        found.setdefault(one.institution, []).append(one)
    return found


def _furthest(lags: Mapping[str, Lag]) -> int:
    """How many events the read model that is furthest behind has not read."""
    return max((lag.items for lag in lags.values()), default=0)


def _page_address(path: str, typed: Mapping[str, str], page: int) -> str:
    return f"{path}?{urlencode({**typed, 'page': page})}"
