"""Who is let in at the auditor's page, and what every answer bears.

Invariants: no route but `OPEN` answers anything without a session whose token still lets in; only this page's own forms change anything; trying
tokens is slowed down, by address and in all; every answer forbids scripts, styles, frames and storage that are not the page's own.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request, Response

from hub.audit.page.sessions import Session, Sessions
from hub.audit.page.tokens import AuditorTokens
from projections.process.pace import Pace

COOKIE: Final = "spojka-audit"
LANGUAGE_COOKIE: Final = "spojka-language"
OPEN: Final = frozenset({"/sign-in", "/page.css", "/replay.js"})
"""Addresses that answer without a session: the form, and what it is drawn with."""
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with no-referrer browsers would not say where a form was (`Origin: null`)
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SECURE_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}
_MOST_BYTES: Final = 4096
_MOST_FIELDS: Final = 8
_CHANGES_NOTHING: Final = frozenset({"GET", "HEAD"})


class Door:
    """Sessions, tokens and the pace of trying."""

    def __init__(self, tokens: AuditorTokens, clock: Callable[[], float], *, secure: bool) -> None:
        self.tokens = tokens
        self.sessions = Sessions(clock)
        self.secure = secure
        self._pace = Pace(clock, burst=5, a_minute=6, all_burst=50)

    def may_try(self, request: Request) -> bool:
        """Whether one more token is looked at."""
        return self._pace.allows("" if request.client is None else request.client.host)

    def session(self, request: Request) -> Session | None:
        """The session of a request, if its token still lets in."""
        name = request.cookies.get(COOKIE, "")
        found = self.sessions.find(name)
        if found is not None and not self.tokens.still(found.token):
            self.sessions.end(name)
            return None
        return found

    def let_in(self, response: Response, name: str) -> Response:
        """Give the browser its session: readable by no script, sent by no other site, forgotten with the window."""
        response.set_cookie(COOKIE, name, httponly=True, samesite="strict", secure=self.secure, path="/")
        return response

    def let_out(self, request: Request, response: Response) -> Response:
        """Forget the session on both sides."""
        self.sessions.end(request.cookies.get(COOKIE, ""))
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=self.secure, path="/")
        return response

    @property
    def headers(self) -> dict[str, str]:
        """What every answer bears."""
        return HEADERS | (SECURE_ONLY if self.secure else {})


def from_here(request: Request) -> bool:
    """Whether a request that changes something was sent by this page: browsers say where a form was."""
    if request.method in _CHANGES_NOTHING:
        return True
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    same_host = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    return same_host and site in {None, "same-origin", "none"}


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a form; of what is none, or too long, none."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return {}
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError:
        return {}


def own_address(typed: str) -> str:
    """An address of this page to go on to; its first one for what is none."""
    parts = urlsplit(typed) if typed.startswith("/") and not typed.startswith(("//", "/\\")) else None
    if parts is None or parts.scheme or parts.netloc or any(character < "!" or character > "~" for character in typed):
        return "/search"
    return typed


def cookie_of(language: str) -> dict[str, Any]:
    """How a language is remembered."""
    return {"key": LANGUAGE_COOKIE, "value": language, "httponly": True, "samesite": "strict", "path": "/"}
