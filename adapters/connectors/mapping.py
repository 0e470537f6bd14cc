"""What a mapping file may say: which rows of which files become which messages. Data, not code.

Invariants: frozen and closed, so a misspelt word is an error and never ignored; a client is named by the columns in `client`, all of them together;
a row's identity is its `key`. Names with a dot (`enrollment.entry`) are columns of a join. `mapping_check` compares all names with each other and
with the catalogue of messages.
"""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from adapters.connectors.expression import Expression, InstantOf, TextList
from adapters.connectors.file_format import FileFormat
from adapters.connectors.sql_tables import Database
from contracts.names import Slug


def _known_zone(zone: str) -> str:
    """Asked by loading it, since the list of all of them takes ten milliseconds to make."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("no such time zone: write it as in the IANA list, Europe/Prague") from error
    return zone


def _constant(value: object) -> object:
    return {"constant": value} if isinstance(value, str) else value


Columns = TextList
"""Columns, or values, all of them together."""
Zone = Annotated[str, AfterValidator(_known_zone)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Part):
    """One thing that must hold of a row; several are joined by `and`."""

    column: str
    one_of: Annotated[Columns | None, Field(description="the value is one of these")] = None
    none_of: Annotated[Columns | None, Field(description="there is a value, and it is none of these")] = None
    present: Annotated[bool | None, Field(description="there is a value, or (false) none")] = None


class Check(_Part):
    """What must hold of every row; a row of which it does not hold is refused. An empty cell passes every check but `present`."""

    column: str
    present: Annotated[bool, Field(description="there must be a value")] = False
    one_of: Annotated[Columns | None, Field(description="the codes that are known")] = None
    none_of: Annotated[Columns | None, Field(description="values with which a row is not taken over")] = None
    not_before: Annotated[str | None, Field(description="a column with the date that this one must not precede")] = None
    same_as: Annotated[str | None, Field(description="a column that must hold the same value")] = None


class Join(_Part):
    """A row of a lookup, found by this row's columns."""

    lookup: str
    by: Columns


class Origin(_Part):
    """Where the records of a lookup or source are."""

    file: Annotated[str, Field(description="a CSV file (.csv) or a workbook (.xlsx) in the folder")]
    sheet: Annotated[str | None, Field(description="of a workbook; without it the first that has the columns")] = None

    @property
    def table_name(self) -> str:
        """The name of the table, for connectors and reports."""
        return self.file if self.sheet is None else f"{self.file}/{self.sheet}"


class Lookup(Origin):
    """A table of which only a key and a few columns are kept, for joins of later lookups and of sources."""

    key: Columns
    keep: Annotated[dict[str, str], Field(description="the name under which a join offers it: the column")]
    when: tuple[Condition, ...] = ()
    joins: dict[Slug, Join] = {}
    updated: Annotated[str | None, Field(description="of two rows of one key the newer one is kept")] = None


class Deleted(_Part):
    """How a source marks a row as deleted: there is a value in this column. A date there is when it happened."""

    column: str


class Rule(_Part):
    """One message of a row, where its conditions hold."""

    name: Annotated[Slug, Field(description="part of the row's identity: never change it once something was imported")]
    message: Annotated[str, Field(description="as in the catalogue, without prefix and version: service.delivered")]
    when: tuple[Condition, ...] = ()
    first_per_client: Annotated[bool, Field(description="only the client's earliest row, by `time`")] = False
    time: InstantOf
    category: Annotated[
        Expression | None, BeforeValidator(_constant, json_schema_input_type=Expression | str | None)
    ] = None
    facts: dict[str, Expression] = {}
    content: Annotated[
        dict[str, Expression], Field(description="what is sealed: whoever reads it can read it all")
    ] = {}
    when_deleted: Annotated[
        Literal["correct", "void", "leave"],
        Field(
            description="a row once imported and now deleted: correct the entry, void the referral, or leave it to another rule"
        ),
    ] = "correct"


class Answers(_Part):
    """The columns of a copy of the sheet into which the answers to its referrals are written."""

    language: Annotated[Literal["en", "cs", "pl"], Field(description="of what is written")]
    status: Annotated[str, Field(description="the column that says where the referral stands")]
    date: Annotated[str, Field(description="the column of the day of its last move")]
    contact: Annotated[str, Field(description="the column of whom to turn to, as the target said")]
    reason: Annotated[str, Field(description="the column of the reason, or of what is wrong with the row")]

    @property
    def columns(self) -> tuple[str, str, str, str]:
        """The columns in their order."""
        return (self.status, self.date, self.contact, self.reason)


class Source(Origin):
    """A table whose rows become messages."""

    key: Columns
    client: Columns
    institution: Annotated[str | None, Field(description="whose row it is; an import can be limited to one")] = None
    joins: dict[Slug, Join] = {}
    updated: Annotated[
        str | None, Field(description="when the row was last changed; an older row never replaces a newer")
    ] = None
    deleted: Deleted | None = None
    checks: tuple[Check, ...] = ()
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    format: FileFormat | None = None
    answers: Annotated[Answers | None, Field(description="for a sheet of referrals: where answers go")] = None


class Mapping(_Part):
    """A whole mapping file."""

    mapping: Annotated[Slug, Field(description="its name, part of every row's identity: never change it")]
    title: str
    zone: Annotated[Zone | None, Field(description="of dates without zone; without it the programme's")] = None
    format: FileFormat = FileFormat()
    database: Annotated[
        Database | None,
        Field(description="where the sources and lookups are tables of a database: which table each is"),
    ] = None
    tables: Annotated[dict[Slug, dict[str, str]], Field(description="code tables: their code: ours")] = {}
    lookups: dict[Slug, Lookup] = {}
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]

    def format_of(self, table: str) -> FileFormat:
        """How a table is written."""
        stated = (source.format for source in self.sources if source.table_name == table and source.format)
        return next(stated, self.format)

    def origins(self) -> dict[str, Origin]:
        """Every table that the mapping names, once, lookups first."""
        named: list[Origin] = [*self.lookups.values(), *self.sources]
        return {one.table_name: one for one in named}
