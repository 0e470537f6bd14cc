"""How far a table was read: values of its cursor column. Pure.

Invariants: a poll begins an overlap before the highest value that was read, never behind it; a value beyond the poll's own moment (a typing error:
2062) does not count as read up to, since everything real would then lie before it; what is written in no known way is read again whole, which costs
time and loses nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from adapters.errors import AdapterError

Value = datetime | date | int | Decimal | str
"""What drivers give for moments and numbers; SQLite gives its moments as text."""

_DAY: Final = len("2026-02-24")
_KINDS: Final = {
    "moment": datetime.fromisoformat,
    "day": date.fromisoformat,
    "number": int,
    "decimal": Decimal,
    "text": str,
}


class CursorError(AdapterError):
    """A cursor column holds what is no cursor."""

    def __init__(self, table: str, column: str) -> None:
        super().__init__(
            f"Column {column} of {table} holds neither moments nor numbers",
            advice="Name another cursor, or none: then the whole table is read at each poll",
        )


@dataclass(frozen=True, slots=True)
class Overlap:
    """How far before the highest value a poll begins."""

    minutes: int
    numbers: int


def begin_at(highest: Value, overlap: Overlap) -> Value | None:
    """Where the next poll begins; None where it must read everything. A day has no hours, so a whole one more is taken."""
    match highest:
        case bool():
            return None
        case int() | Decimal():
            return highest - overlap.numbers
        case datetime():
            return highest - timedelta(minutes=overlap.minutes)
        case date():
            return highest - timedelta(minutes=overlap.minutes) - timedelta(days=1)
        case str():
            return _text_before(highest, timedelta(minutes=overlap.minutes))


def ceiling(value: Value, now: datetime) -> Value:
    """The highest value that may count as read up to at `now`, of the kind of `value`; a number has none but itself.

    A moment without offset is compared with this machine's local time.
    """
    match value:
        case datetime():
            return now if value.tzinfo is not None else _local(now)
        case date():
            return _local(now).date()
        case str():
            return _text_like(value, _local(now)) or value
        case _:
            return value


def usable(value: object) -> bool:
    """Whether a cell can be a cursor."""
    match value:
        case bool():
            return False
        case datetime() | date() | int() | Decimal():
            return True
        case str():
            return _parsed(value) is not None
        case _:
            return False


def written(value: Value) -> str:
    """As it is kept between polls."""
    match value:
        case datetime():
            return f"moment {value.isoformat()}"
        case date():
            return f"day {value.isoformat()}"
        case Decimal():
            return f"decimal {value}"
        case int():
            return f"number {value}"
        case str():
            return f"text {value}"


def read(text: str) -> Value:
    """What `written` wrote."""
    kind, _, value = text.partition(" ")
    found: Value = _KINDS[kind](value)  # type: ignore[operator] # one function a kind, each of text
    return found


def _local(now: datetime) -> datetime:
    return now.astimezone().replace(tzinfo=None)


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _text_before(text: str, overlap: timedelta) -> str | None:
    moment = _parsed(text)
    if moment is None:
        return None
    return _text_like(text, moment - overlap - (timedelta(days=1) if len(text) <= _DAY else timedelta()))


def _text_like(text: str, moment: datetime) -> str | None:
    """A moment as text in the writing of another, so that text order stays time order; None where it is written in no known way."""
    if len(text) <= _DAY:
        return moment.date().isoformat()
    offset = "Z" if text.endswith("Z") else ""
    for resolution in ("minutes", "seconds", "milliseconds", "microseconds"):
        for zoned in (moment, moment.replace(tzinfo=None)):
            found = zoned.isoformat(text[_DAY], resolution).removesuffix("+00:00" if offset else "") + offset
            if len(found) == len(text):
                return found
    return None
