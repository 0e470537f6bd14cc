"""The text of a cell that has a type (a sheet's number, a database's date), written as the mapping's text cells are.

Invariants: what a mapping makes of the text is what it makes of the same cell in a CSV file of the same format; a date or moment that no format of
the mapping can write is RFC 3339, which `cell_values` always understands; a number is what a person sees in the cell: 15 digits, as spreadsheets
show them.
"""

from datetime import MAXYEAR, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from adapters.connectors.file_format import FileFormat

_DIGITS: Final = 15
_HALF_SECOND: Final = timedelta(milliseconds=500)


def text_of(value: object, settings: FileFormat) -> str:  # noqa: PLR0911 - one return a type
    """The text of a value; empty for None."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return settings.booleans[not value]
        case int():
            return str(value)
        case float() | Decimal():
            return _number(value, settings.decimal)
        case date():  # a moment is one, too
            return _moment(value, settings.dates)
        case time():
            return value.isoformat("minutes" if not value.second else "seconds")
        case timedelta():
            return _length(value)
        case _:
            return str(value)


def _number(value: float | Decimal, sign: str) -> str:
    number = value if isinstance(value, Decimal) else Decimal(f"{value:.{_DIGITS}g}")
    if not number.is_finite():
        return str(number)
    text = f"{number:f}"
    plain = text.rstrip("0").rstrip(".") if "." in text else text
    return ("0" if plain in {"-0", ""} else plain).replace(".", sign)


@lru_cache(maxsize=20_000)
def _moment(value: date, formats: tuple[str, ...]) -> str:
    whole = value if isinstance(value, datetime) else datetime.combine(value, time())
    if whole.tzinfo is None:
        whole = _whole_second(whole)
        for form in formats:
            text = whole.strftime(form)
            if _reads(text, form, whole):
                return text
    return whole.isoformat()


def _whole_second(moment: datetime) -> datetime:
    """Spreadsheets keep moments as fractions of a day, which are off by parts of a second."""
    return (moment + _HALF_SECOND).replace(microsecond=0) if moment.year < MAXYEAR else moment


def _reads(text: str, form: str, moment: datetime) -> bool:
    try:
        return datetime.strptime(text, form) == moment  # noqa: DTZ007 - compared with one without zone
    except ValueError:
        return False


def _length(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    sign = "-" if seconds < 0 else ""
    hours, rest = divmod(abs(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{sign}{hours}:{minutes:02}" + (f":{seconds:02}" if seconds else "")
