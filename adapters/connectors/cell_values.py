"""What a cell's text means: dates, moments, decimal numbers.

Invariants: a value is understood as the mapping says or not at all, nothing is guessed; dates and moments lie in the years 1900 to 2100, so that no
arithmetic with them leaves the calendar. Parsed dates are remembered, since exports repeat them.
"""

import re
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
_LONGEST_DATE: Final = 60
_BLANKS: Final = re.compile(r"\s+")
_GROUPING: Final = " \u00a0\u202f'"
_NUMBER: Final = {
    ".": re.compile(rf"[+-]?(?:\d+|\d{{1,3}}(?:[{_GROUPING},]\d{{3}})+)(?:\.\d+)?", re.ASCII),
    ",": re.compile(rf"[+-]?(?:\d+|\d{{1,3}}(?:[{_GROUPING}.]\d{{3}})+)(?:,\d+)?", re.ASCII),
}


@lru_cache(maxsize=20_000)
def moment(text: str, formats: tuple[str, ...]) -> datetime | None:
    """The date or moment that a text states by the first format that fits; None where none does. Without zone unless the format has one."""
    if len(text) > _LONGEST_DATE:
        return None
    plain = _BLANKS.sub(" ", text.strip())
    for form in formats:
        try:
            found = datetime.strptime(plain, form)  # noqa: DTZ007 - the zone is the mapping's; see `instant`
        except ValueError:
            continue
        return found if FIRST_YEAR <= found.year <= LAST_YEAR else None
    return None


def day(text: str, formats: tuple[str, ...], *, plus_days: int = 0) -> date | None:
    """The civil date that a text states."""
    found = moment(text, formats)
    return None if found is None else found.date() + timedelta(days=plus_days)


def instant(text: str, formats: tuple[str, ...], zone: tzinfo, *, plus_days: int = 0) -> datetime | None:
    """The moment that a text states; a civil date is its first moment in `zone`."""
    found = moment(text, formats)
    if found is None:
        return None
    later = found + timedelta(days=plus_days)
    return later if later.tzinfo else later.replace(tzinfo=zone)


def decimal(text: str, sign: str) -> str | None:
    """A number with a point and no grouping, as exact as it was written; None for what is no number with this decimal sign."""
    if _NUMBER[sign].fullmatch(text) is None:
        return None
    grouping = _GROUPING + ("." if sign == "," else ",")
    return text.translate(str.maketrans(sign, ".", grouping)).lstrip("+")
