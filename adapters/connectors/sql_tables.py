"""What a mapping says about a database: which table or query stands behind each name of its sources and lookups. Data, not code.

Invariants: a query is one SELECT; a table that is followed by a cursor is one whose rows stand each for itself, since a poll sees only those that
changed: a rule that takes a client's first row needs the whole table each time. `updated` is of files: a database's row is always its newest state.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_SELECT: Final = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)


def _one_select(query: str) -> str:
    bare = query.strip().removesuffix(";").rstrip()
    if _SELECT.match(bare) is None or ";" in bare:
        raise ValueError("not one SELECT: write one query, without semicolons")
    return bare


class DatabaseTable(BaseModel):
    """One table or query, by the name that sources and lookups give as `file`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    table: Annotated[
        str | None, Field(description="its name in the database, with its schema where it has one: dbo.clients")
    ] = None
    query: Annotated[
        str | None,
        AfterValidator(_one_select),
        Field(description="or one SELECT, where tables must be joined or columns named"),
    ] = None
    cursor: Annotated[
        str | None,
        Field(
            description="a column that grows with every change of a row (a moment or a number); without it all is read at each poll"
        ),
    ] = None
    overlap_minutes: Annotated[
        int,
        Field(
            ge=0,
            le=100_000,
            description="of a cursor of moments: how far before the newest a poll begins, for rows committed late",
        ),
    ] = 180
    overlap_numbers: Annotated[
        int,
        Field(ge=0, le=1_000_000_000, description="of a cursor of numbers: how far before the highest a poll begins"),
    ] = 1000

    @model_validator(mode="after")
    def _either(self) -> "DatabaseTable":
        if (self.table is None) == (self.query is None):
            raise ValueError("say either table or query")
        return self


class Database(BaseModel):
    """The tables of a database by the names of this mapping. Where the database is stands in no mapping, since it holds a password."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    tables: Annotated[dict[str, DatabaseTable], Field(min_length=1)]
