"""How the files of a mapping are written: encoding, delimiter, decimal sign, dates.

Invariant: what is stated is used; only `auto` looks at the bytes.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

SERIAL: Final = "excel"
"""Among the formats of dates: a spreadsheet's number of days, 46077 for 2026-02-24."""
_SAMPLE: Final = datetime(2026, 2, 24, 13, 5, 7)  # noqa: DTZ001 - written and read again

Encoding = Literal[
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1250", "cp1252", "iso-8859-1", "iso-8859-2", "iso-8859-15", "cp852"
]


def _date_format(form: str) -> str:
    if form != SERIAL:
        try:
            datetime.strptime(_SAMPLE.strftime(form), form)  # noqa: DTZ007 - only whether it can be read
        except ValueError as error:
            raise ValueError(f"no format of a date: {error}; write for instance %d. %m. %Y") from error
    return form


DateFormat = Annotated[str, AfterValidator(_date_format)]


class FileFormat(BaseModel):
    """How files and sheets are written. Each source may say otherwise than the mapping as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    encoding: Annotated[
        Encoding | Literal["auto"],
        Field(
            description="auto: byte order mark, else UTF-8 where all bytes are, else UTF-16 by its zeros, else fallback"
        ),
    ] = "auto"
    fallback: Annotated[Encoding, Field(description="what auto takes when the bytes are no Unicode")] = "cp1250"
    delimiter: Annotated[
        Literal["auto", ",", ";", "tab", "|"], Field(description="auto: the one by which most mapped columns are found")
    ] = "auto"
    decimal: Annotated[Literal[".", ","], Field(description="the sign before the fraction")] = "."
    dates: Annotated[
        tuple[DateFormat, ...],
        Field(min_length=1, description=f"formats tried in order, as of Python's strptime; {SERIAL}: a number of days"),
    ] = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S")
    empty: Annotated[tuple[str, ...], Field(description="what stands in a cell without value, beside nothing")] = ()
    booleans: Annotated[
        tuple[str, str], Field(description="the text of a true and of a false cell of a sheet or database")
    ] = ("TRUE", "FALSE")
    header: Annotated[
        int | None,
        Field(ge=1, description="the row with the columns' names; without it the first row that has most of them"),
    ] = None
