"""How the files of a mapping are written: encoding, delimiter, decimal sign, dates.

Invariant: what is stated is used; only `auto` looks at the bytes.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Encoding = Literal[
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1250", "cp1252", "iso-8859-1", "iso-8859-2", "iso-8859-15", "cp852"
]


class FileFormat(BaseModel):
    """How CSV files are written. Each source may say otherwise than the mapping as a whole."""

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
        tuple[str, ...], Field(min_length=1, description="formats tried in order, as of Python's strptime")
    ] = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S")
    empty: Annotated[tuple[str, ...], Field(description="what stands in a cell without value, beside nothing")] = ()
