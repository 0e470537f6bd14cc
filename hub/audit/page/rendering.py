"""How the auditor's page is drawn: templates, words, times and names.

Invariants: every text is escaped; every word comes from `hub.words` or a code list; times stand in the programme's zone, with the instant beside
them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from contracts.names import UnitId
from hub.audit.page.door import LANGUAGE_COOKIE
from hub.audit.page.sessions import Session
from hub.words import LANGUAGES, Language, Words

STYLE: Final = files("hub.audit.page").joinpath("page.css").read_text(encoding="utf-8")
SCRIPT: Final = files("hub.audit.page").joinpath("replay.js").read_text(encoding="utf-8")
_TEMPLATES: Final = Environment(
    loader=PackageLoader("hub.audit.page", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def language_of(request: Request) -> Language:
    """What was chosen, now or before, else the first that the browser asks for and that there is."""
    chosen = (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))
    wanted = [part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    return next((one for one in (*chosen, *wanted) if one in LANGUAGES), LANGUAGES[0])


class Drawing:
    """Draws answers for one programme."""

    def __init__(self, programme: str, zone: ZoneInfo) -> None:
        self._programme = programme
        self._zone = zone

    def page(
        self,
        request: Request,
        template: str,
        *,
        session: Session | None,
        status: int = 200,
        names: Mapping[UnitId, str] | None = None,
        **values: Any,  # noqa: ANN401 - what the template shows
    ) -> HTMLResponse:
        """One page."""
        language = language_of(request)
        words = Words(language)
        known = {
            "w": words,
            "language": language,
            "programme": self._programme,
            "session": session,
            "here": request.url.path,
            "languages": [(one, Words(one)("language"), _same(request, one)) for one in LANGUAGES],
            "time": self._time,
            "day": self._day,
            "last_day": lambda end: self._day(end - timedelta(microseconds=1)),
            "unit": lambda unit: (names or {}).get(unit, unit),
        }
        text = _TEMPLATES.get_template(template).render(known | values)
        return HTMLResponse(text, status_code=status)

    def _time(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def _day(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%Y-%m-%d}"


def _same(request: Request, language: str) -> str:
    """This address in another language."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    path = request.url.path if request.method == "GET" else "/sign-in"
    return f"{path}?{urlencode([*kept, ('lang', language)])}"
