"""The answer page: shows one question, takes one answer. Works without JavaScript and loads nothing from anywhere.

Invariants: a look (or a mail scanner's) changes nothing, only a sent form does; a link that is unknown, used, ended or broken gets the same bytes and
status; no page is stored, framed or told to another site, and no cookie is set.
"""

import base64
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from adapters.partners import form
from adapters.partners.answering import Desk
from adapters.partners.form import Given, Wrong
from adapters.partners.mail import language_of
from adapters.storage.partner_mails import PartnerMail
from adapters.words import LANGUAGES, Words
from contracts.categories import WHOLLY_SEALED
from contracts.code_lists import load
from projections.process.pace import Pace

_STYLE: Final = files("adapters.partners").joinpath("page.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SECURE_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}
_TEMPLATES: Final = Environment(
    loader=PackageLoader("adapters.partners", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def create_page(desks: Sequence[Desk], *, clock: Callable[[], float] = time.monotonic, secure: bool = False) -> FastAPI:
    """The page for the units of an adapter."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    pages = _Pages(desks)
    pace = Pace(clock)

    @app.middleware("http")
    async def guarded(request: Request, call_next: Callable[[Request], Any]) -> Response:
        address = "" if request.client is None else request.client.host
        response: Response = await call_next(request) if pace.allows(address) else pages.busy()
        response.headers.update(HEADERS | (_SECURE_ONLY if secure else {}))
        return response

    @app.api_route("/a/{link}", methods=["GET", "HEAD"])
    async def question(link: str) -> Response:
        return await run_in_threadpool(pages.question, link)

    @app.post("/a/{link}")
    async def answered(link: str, request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > form.MOST_BYTES:
                return pages.gone()
        return await run_in_threadpool(pages.answered, link, body)

    @app.exception_handler(404)
    @app.exception_handler(405)
    async def nothing(_request: Request, _error: Exception) -> Response:
        return pages.gone()

    return app


class _Pages:
    """What is shown for a link."""

    def __init__(self, desks: Sequence[Desk]) -> None:
        self._desks = desks

    def question(self, link: str) -> Response:
        """The question, or that there is none."""
        found = self._find(link)
        return self.gone() if found is None else self._form(*found, Given(), None)

    def answered(self, link: str, body: bytes) -> Response:
        """Thanks; the question again where the answer lacks something; or that there is none."""
        found = self._find(link)
        if found is None:
            return self.gone()
        desk, mail = found
        given = form.read(body)
        read = form.answer(given, desk.today())
        if isinstance(read, Wrong):
            return self._form(desk, mail, given, read)
        if desk.answer(link, read) is None:
            return self.gone()  # somebody was first
        words = Words(language_of(mail))
        told = [{"text": words["partner.page.close"], "lang": None}]
        return _page(200, words, title=words["partner.page.thanks"], told=told)

    def gone(self) -> Response:
        """The same for every link that answers nothing: in all languages, since nobody knows whose it is."""
        return _told(404, "gone", ("gone-why",))

    def busy(self) -> Response:
        """Too many requests."""
        response = _told(429, "busy", ())
        response.headers["Retry-After"] = "60"
        return response

    def _find(self, link: str) -> tuple[Desk, PartnerMail] | None:
        """Every unit is asked, whichever it is of."""
        found = [(desk, mail) for desk in self._desks if (mail := desk.asked(link)) is not None]
        return found[0] if found else None

    def _form(self, desk: Desk, mail: PartnerMail, given: Given, wrong: Wrong | None) -> Response:
        words = Words(language_of(mail))
        house = desk.house
        named = house.directory.units.get(house.unit)
        shown = "" if mail.category in WHOLLY_SEALED else words.code("category", mail.category)
        return _page(
            200 if wrong is None else 422,
            words,
            title=words["partner.page.title"],
            mail=mail,
            wrong=wrong,
            given=given,
            unit=house.unit if named is None else named.name,
            about_word=words["about"].capitalize(),
            about=shown,
            until_word=words["partner.mail.until"],
            until=desk.last_day(mail).isoformat(),
            today=desk.today().isoformat(),
            reasons=[(one.notation, one.labels[words.language]) for one in load(form.REASONS).concepts],
        )


def _told(status: int, title: str, more: Sequence[str]) -> Response:
    told = [
        {"text": Words(one)[f"partner.page.{name}"], "lang": one}
        for one in LANGUAGES
        for name in ((title, *more) if one != LANGUAGES[0] else more)
    ]
    words = Words(LANGUAGES[0])
    return _page(status, words, title=words[f"partner.page.{title}"], told=told)


def _page(status: int, words: Words, **values: Any) -> Response:  # noqa: ANN401 - what the template shows
    known = {"mail": None, "wrong": None, "told": ()} | values
    text = _TEMPLATES.get_template("page.html").render(
        lang=words.language, style=_STYLE, w=lambda name: words[f"partner.page.{name}"], **known
    )  # fmt: skip
    return HTMLResponse(text, status_code=status)
