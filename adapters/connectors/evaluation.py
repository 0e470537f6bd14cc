"""The value of an expression for one row.

Invariants: an empty cell is no value (None), never an empty text; a cell that cannot be understood raises `CellError`, so that whoever builds the
message decides whether it can be without it.
"""

import hmac
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import partial
from typing import Protocol

from adapters.connectors import cell_values
from adapters.connectors.expression import (
    CodeOf,
    ColumnOf,
    ConstantOf,
    DateOf,
    DecimalOf,
    Expression,
    InstantOf,
    ReferenceOf,
)
from adapters.connectors.file_format import FileFormat
from adapters.connectors.header import plain
from adapters.connectors.refusal import CellError, RefusalReason

Value = str | date | datetime | None


class Cells(Protocol):
    """A row as expressions see it."""

    def cell(self, column: str) -> str:
        """The text of a column or of a join's column, empty where there is none."""


Reading = Callable[[Cells], Value]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What expressions need beside the row: how cells are written, the zone of dates, code tables, and the secret of shared ids."""

    format: FileFormat
    zone: tzinfo
    tables: Mapping[str, Mapping[str, str]]
    secret: bytes
    folded: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The tables by their codes without case and surplus blanks, as people type them."""

    def value(self, expression: Expression, row: Cells) -> Value:
        """The expression's value. Raises `CellError`."""
        return self.reading(expression)(row)

    def reading(self, expression: Expression) -> Reading:  # noqa: PLR0911 - one return a form
        """What gives the expression's value of a row, for whoever asks it of many rows. It raises `CellError`."""
        match expression:
            case ColumnOf(column=columns, prefix=prefix):
                return partial(_text, columns, prefix)
            case ConstantOf(constant=text, if_present=column):
                return partial(_constant, text, column)
            case CodeOf():
                return partial(self._code, expression)
            case DateOf(date=column, or_=other, plus_days=plus):
                return partial(self._day, column, other, plus)
            case InstantOf():
                return partial(self.instant, expression)
            case DecimalOf(decimal=column):
                return partial(self._decimal, column)
            case ReferenceOf(reference=name, of=columns):
                return partial(self._reference, name, columns)

    def instant(self, expression: InstantOf, row: Cells) -> datetime | None:
        """The moment of an expression."""
        found = self._moment(row, expression.instant, expression.or_)
        return found and cell_values.instant_of(found, self.zone, plus_days=expression.plus_days)

    def deleted_at(self, text: str) -> datetime | None:
        """When a row was deleted, where its mark is a date."""
        return cell_values.instant(text, self.format.dates, self.zone)

    def reference(self, name: str, text: str) -> str:
        """The id that stands for a text under a name: a UUID (RFC 9562 version 8) of its HMAC-SHA256 under the unit's secret."""
        mac = bytearray(hmac.digest(self.secret, f"{len(name)}:{name}{text}".encode(), "sha256")[:16])
        mac[6] = 0x80 | (mac[6] & 0x0F)
        mac[8] = 0x80 | (mac[8] & 0x3F)
        return str(uuid.UUID(bytes=bytes(mac)))

    def _reference(self, name: str, columns: Sequence[str], row: Cells) -> str | None:
        text = joined(row, columns)
        return self.reference(name, text) if text else None

    def _day(self, column: str, other: str | None, plus_days: int, row: Cells) -> date | None:
        found = self._moment(row, column, other)
        return found and cell_values.day_of(found, plus_days=plus_days)

    def _code(self, expression: CodeOf, row: Cells) -> str | None:
        text = joined(row, expression.code)
        if not text:
            return None
        found = self.tables[expression.table].get(text)
        if found is None:
            found = self.folded.get(expression.table, {}).get(plain(text), expression.otherwise)
        if found is None:
            column = "/".join(expression.code)
            raise CellError(RefusalReason.UNKNOWN_CODE, column=column, value=text, detail=f"not in {expression.table}")
        return found

    def _moment(self, row: Cells, column: str, other: str | None) -> datetime | None:
        """The date or moment of the first cell that has one, None where both are empty."""
        for name in (column, other):
            text = row.cell(name) if name else ""
            if text and name:
                found = cell_values.moment(text, self.format.dates)
                if found is None:
                    detail = "written as " + " or ".join(self.format.dates)
                    raise CellError(RefusalReason.NOT_A_DATE, column=name, value=text, detail=detail)
                return found
        return None

    def _decimal(self, column: str, row: Cells) -> str | None:
        text = row.cell(column)
        if not text:
            return None
        found = cell_values.decimal(text, self.format.decimal)
        if found is None:
            detail = f"with {self.format.decimal!r} as decimal sign"
            raise CellError(RefusalReason.NOT_A_NUMBER, column=column, value=text, detail=detail)
        return found


def _text(columns: Sequence[str], prefix: str, row: Cells) -> str | None:
    text = joined(row, columns)
    return prefix + text if text else None


def _constant(text: str, if_present: str | None, row: Cells) -> str | None:
    return text if if_present is None or row.cell(if_present) else None


def folded(tables: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    """Code tables by their codes without case and surplus blanks; a code that two rows would answer differently is in none."""
    found: dict[str, dict[str, str]] = {}
    for name, table in tables.items():
        meanings: dict[str, set[str]] = {}
        for code, value in table.items():
            meanings.setdefault(plain(code), set()).add(value)
        found[name] = {code: next(iter(values)) for code, values in meanings.items() if len(values) == 1}
    return found


def joined(row: Cells, columns: Sequence[str]) -> str:
    """The values of some columns as one text, unmistakably; empty where one of them is."""
    if len(columns) == 1:
        return row.cell(columns[0])
    texts = [row.cell(column) for column in columns]
    return "/".join(text.replace("%", "%25").replace("/", "%2F") for text in texts) if all(texts) else ""
