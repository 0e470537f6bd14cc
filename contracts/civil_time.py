"""Instants and civil dates as they stand on the wire, in the one form that every language reads alike.

Invariants: an instant is RFC 3339 §5.6 with capital `T` and `Z`, seconds and an offset (CloudEvents 1.0, `time`); a date is `YYYY-MM-DD`. Numbers in
quotes, blanks for the `T`, offsets without colon and digits of other scripts, which pydantic alone would take, are refused: another reader would not.
Fractions beyond microseconds are cut. Both lie between 1900 and 2999: beyond, a reader's own reckoning (UTC, a deadline and its grace) may have no
answer, and one partner's date would stop another's read models.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_DATE: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INSTANT: Final = _DATE + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"


FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Written:
    """How a value is written in JSON; made in Python, it must be of the type already."""

    pattern: str
    format: str

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler  # the marker alone decides, whatever the model's own strictness
        instant = self.format == "date-time"
        text = core_schema.str_schema(strict=True, pattern=self.pattern)
        read, made = (_moment(strict=strict) if instant else _day(strict=strict) for strict in (False, True))
        return core_schema.json_or_python_schema(json_schema=core_schema.chain_schema([text, read]), python_schema=made)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        del schema, handler
        return {"type": "string", "format": self.format, "pattern": self.pattern}


def _moment(*, strict: bool) -> CoreSchema:
    return core_schema.datetime_schema(strict=strict, tz_constraint="aware", ge=FIRST, le=LAST)


def _day(*, strict: bool) -> CoreSchema:
    return core_schema.date_schema(strict=strict, ge=FIRST.date(), le=LAST.date())


Instant = Annotated[datetime, _Written(f"^{_INSTANT}$", "date-time")]
"""A moment with its offset; aware in Python."""

CivilDate = Annotated[date, _Written(f"^{_DATE}$", "date")]
"""A day in the programme's time zone."""
