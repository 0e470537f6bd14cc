"""What a cell's text means: dates, moments, decimal numbers.

Invariants: a value is understood as the mapping says or not at all, nothing is guessed (a moment may always be RFC 3339 with its T, which means one
thing only); dates and moments lie in the years 1900 to 2100, so that no
arithmetic with them leaves the calendar. Parsed dates are remembered, since exports repeat them.
"""

import re
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from adapters.connectors.file_format import SERIAL

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
_LONGEST_DATE: Final = 60
_RFC_3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)
_SERIAL: Final = re.compile(r"\d{1,6}(?:[.,]\d{1,10})?", re.ASCII)
_BEFORE_DAY_ONE: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a civil date
_SECONDS: Final = 86_400
_BLANKS: Final = re.compile(r"\s+")
_GROUPING: Final = " \u00a0\u202f'"
_NUMBER: Final = {
    ".": re.compile(rf"[+-]?(?:\d+|\d{{1,3}}(?:[{_GROUPING},]\d{{3}})+)(?:\.\d+)?", re.ASCII),
    ",": re.compile(rf"[+-]?(?:\d+|\d{{1,3}}(?:[{_GROUPING}.]\d{{3}})+)(?:,\d+)?", re.ASCII),
}

_WITH_POINT: Final = {
    ".": str.maketrans("", "", f"{_GROUPING},"),
    ",": str.maketrans(",", ".", f"{_GROUPING}."),
}


@lru_cache(maxsize=20_000)
def moment(text: str, formats: tuple[str, ...]) -> datetime | None:
    """The date or moment that a text states by the first format that fits; None where none does. Without zone unless the format has one."""
    if len(text) > _LONGEST_DATE:
        return None
    plain = _BLANKS.sub(" ", text.strip())
    for form in formats:
        found = _serial(plain) if form == SERIAL else _parsed(plain, form)
        if found is not None:
            return found if FIRST_YEAR <= found.year <= LAST_YEAR else None
    if _RFC_3339.fullmatch(plain) is None:
        return None
    try:
        found = datetime.fromisoformat(plain)
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the mapping's; see `instant`
    except ValueError:
        return None


def _serial(text: str) -> datetime | None:
    """A spreadsheet's number of days (ISO/IEC 29500-1, 18.17.4.1, the 1900 system)."""
    if _SERIAL.fullmatch(text) is None:
        return None
    return _BEFORE_DAY_ONE + timedelta(seconds=round(float(text.replace(",", ".")) * _SECONDS))


def day(text: str, formats: tuple[str, ...], *, plus_days: int = 0) -> date | None:
    """The civil date that a text states."""
    found = moment(text, formats)
    return None if found is None else day_of(found, plus_days=plus_days)


def day_of(found: datetime, *, plus_days: int = 0) -> date:
    """The civil date of a `moment`."""
    return found.date() + timedelta(days=plus_days) if plus_days else found.date()


def instant(text: str, formats: tuple[str, ...], zone: tzinfo, *, plus_days: int = 0) -> datetime | None:
    """The moment that a text states; a civil date is its first moment in `zone`."""
    found = moment(text, formats)
    return None if found is None else instant_of(found, zone, plus_days=plus_days)


def instant_of(found: datetime, zone: tzinfo, *, plus_days: int = 0) -> datetime:
    """A `moment` with its zone."""
    later = found + timedelta(days=plus_days) if plus_days else found
    return later if later.tzinfo else later.replace(tzinfo=zone)


def decimal(text: str, sign: str) -> str | None:
    """A number with a point and no grouping, as exact as it was written; None for what is no number with this decimal sign."""
    if _NUMBER[sign].fullmatch(text) is None:
        return None
    return text.translate(_WITH_POINT[sign]).lstrip("+")
