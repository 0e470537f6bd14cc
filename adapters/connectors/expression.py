"""What a field of a message is made of: the seven forms of an expression in a mapping file.

Invariant: an expression has exactly one form, told by the word that only this form has.
"""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


_NAMES: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
TextList = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1), WithJsonSchema(_NAMES)]
"""One text, or a list of them."""
JoinedColumns = TextList
"""One column, or several whose values are joined with `/`; none where one of them is empty."""


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnOf(_Form):
    """The cell's text as it is."""

    column: JoinedColumns
    prefix: str = ""


class ConstantOf(_Form):
    """The same for every row; with `if_present` only where that column has a value."""

    constant: str
    if_present: str | None = None


class CodeOf(_Form):
    """The cell's code, translated by a table of the mapping; `otherwise` for codes that the table does not have."""

    code: JoinedColumns
    table: str
    otherwise: str | None = None


class DateOf(_Form):
    """A civil date."""

    date: str
    or_: Annotated[str | None, Field(alias="or", description="the column to take where the first is empty")] = None
    plus_days: int = 0


class InstantOf(_Form):
    """A moment; a civil date is its first moment in the mapping's zone."""

    instant: str
    or_: Annotated[str | None, Field(alias="or", description="the column to take where the first is empty")] = None
    plus_days: int = 0


class DecimalOf(_Form):
    """A decimal number, written in the message with a point."""

    decimal: str


class ReferenceOf(_Form):
    """An id that rows share: the same for the same values of `of`, unguessable for whoever has not this unit's database."""

    reference: str
    of: JoinedColumns


_FORMS: Final = ("column", "constant", "code", "date", "instant", "decimal", "reference")


def _form(value: Any) -> str | None:  # noqa: ANN401 - pydantic gives whatever stands in the file
    return next((word for word in _FORMS if isinstance(value, dict) and word in value), None)


Expression = Annotated[
    Annotated[ColumnOf, Tag("column")]
    | Annotated[ConstantOf, Tag("constant")]
    | Annotated[CodeOf, Tag("code")]
    | Annotated[DateOf, Tag("date")]
    | Annotated[InstantOf, Tag("instant")]
    | Annotated[DecimalOf, Tag("decimal")]
    | Annotated[ReferenceOf, Tag("reference")],
    Discriminator(
        _form,
        custom_error_type="expression_form",
        custom_error_message=f"an expression has one of the words {', '.join(_FORMS)}",
    ),
]


def columns_of(expression: Expression) -> tuple[str, ...]:
    """The columns that an expression reads."""
    match expression:
        case ColumnOf(column=columns) | CodeOf(code=columns) | ReferenceOf(of=columns):
            return columns
        case ConstantOf(if_present=column):
            return (column,) if column else ()
        case DateOf(date=column, or_=other) | InstantOf(instant=column, or_=other):
            return (column, other) if other else (column,)
        case DecimalOf(decimal=column):
            return (column,)
