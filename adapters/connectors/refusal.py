"""Why a table, a row or a cell was not taken over.

Invariants: every refusal names file, row, column, value and reason, so that a person finds the cell and can mend it; a code once published keeps its
meaning. A refusal stands in the report for the person who imports, who has the file anyway; its value is never logged, sent or stored by the desk.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST_VALUE: Final = 80
"""Characters of a value that a report shows."""


class RefusalReason(StrEnum):
    """Every reason of an import, in one place."""

    FILE_MISSING = "file-missing"
    """The mapping names a file that is not in the folder."""
    FILE_EMPTY = "file-empty"
    """The file has no header."""
    FILE_UNREADABLE = "file-unreadable"
    """The operating system does not give the file's content."""
    FILE_CHANGED = "file-changed"
    """The file was written to while it was read: import it again."""
    NOT_A_WORKBOOK = "not-a-workbook"
    """The file is called .xlsx and is none, or it is damaged."""
    OLD_FORMAT = "old-format"
    """A workbook in a format that is not read (.xls, .xlsb): save it as .xlsx."""
    PASSWORD_PROTECTED = "password-protected"  # noqa: S105 - says that there is one
    """The workbook opens with a password only: save it without."""
    HAS_MACROS = "has-macros"
    """The workbook has macros: save it as .xlsx, without them."""
    TOO_LARGE = "too-large"
    """The workbook unpacks to more than any sheet of rows needs."""
    SHEET_MISSING = "sheet-missing"
    """The mapping names a sheet that the workbook does not have."""
    NOT_CALCULATED = "not-calculated"
    """Formulas without a value: open the workbook in a spreadsheet program and save it."""
    COLUMN_MISSING = "column-missing"
    """The mapping names a column that the file does not have."""
    COLUMN_TWICE = "column-twice"
    """Two columns of one name hold different values in this row."""
    MALFORMED_ROW = "malformed-row"
    """Quotes or line ends do not follow RFC 4180, or a cell or line is too long."""
    TOO_MANY_VALUES = "too-many-values"
    """More values than columns: which is which cannot be known."""
    NOT_TEXT = "not-text"
    """Bytes that are no text in the file's encoding, or a NUL."""
    FORMULA_ERROR = "formula-error"
    """The formula in the cell has no result: #N/A, #REF! and the like."""
    MISSING = "missing"
    """The cell is empty and the message cannot be without it."""
    NOT_A_DATE = "not-a-date"
    """The cell follows none of the mapping's date formats, or lies outside 1900 to 2100."""
    NOT_A_NUMBER = "not-a-number"
    """The cell is no decimal number as the mapping writes them."""
    UNKNOWN_CODE = "unknown-code"
    """The code is in no row of the mapping's table."""
    NOT_ALLOWED = "not-allowed"
    """The value does not follow the message's schema."""
    IN_FUTURE = "in-future"
    """The day or moment has not come yet."""
    BEFORE = "before"
    """The date lies before one that it must follow."""
    DIFFERS = "differs"
    """The value must be the same as another one and is not."""
    NO_SUCH_ROW = "no-such-row"
    """The row refers to a row that is not there."""
    REPEATED_ROW = "repeated-row"
    """The same row stands in the file before."""
    NOT_FHIR = "not-fhir"
    """The file or element is not what FHIR R4 has there in JSON."""
    NO_COUNTERPART = "no-counterpart"
    """Nothing in the exchange corresponds to it, or it is not this unit's to tell."""
    KEY_TWICE = "key-twice"
    """Another row of the same key stands in the file before, and this one is not newer."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that was not taken over. `row` is the spreadsheet's row number, the header being 1, or a database row's key; 0: the whole file."""

    file: str
    row: int | str
    column: str
    value: str
    reason: RefusalReason
    detail: str = ""

    @property
    def explained(self) -> str:
        """The reason's code and what exactly is meant."""
        return f"{self.reason}: {self.detail}" if self.detail else self.reason.value


class CellError(Exception):
    """A cell cannot be used. Never leaves the connectors: the row's reader makes a refusal of it, which a person reads."""

    def __init__(self, reason: RefusalReason, *, column: str, value: str = "", detail: str = "") -> None:
        super().__init__(f"{reason} in column {column}")
        self.reason = reason
        self.column = column
        self.value = value
        self.detail = detail

    def at(self, file: str, row: int | str) -> Refusal:
        """The refusal for this cell of this row."""
        return Refusal(file, row, self.column, shown(self.value), self.reason, self.detail)


def shown(value: str) -> str:
    """A value as a report shows it: cut, without control characters."""
    cut = value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "…"
    return "".join(character if character.isprintable() else "�" for character in cut)
