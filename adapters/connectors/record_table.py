"""The port of every connector: tables of records that a mapping reads, whatever keeps them (CSV files, sheets, a database).

Invariants of every implementation: reading never fails on content, what cannot be read is refused with its place and the rest goes on; each reading
starts at the first record and gives them in the same order; only the columns asked for are kept and nothing is held but the record in hand, so memory
does not grow with a table; the first reading alone counts and reports. An import may end anywhere and begin again: identity is the mapping's key, not
the place in the table.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from adapters.connectors.refusal import CellError, Refusal, RefusalReason

Refuse = Callable[[Refusal], None]
Progress = Callable[[int], None]
"""Told how much of a table is read, in the unit of its `size`."""
REPORT_EVERY: Final = 500
"""Records between two words of progress."""
_NO_RESULT: Final = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"})
"""Of formulas, as spreadsheets write them into cells and CSV files."""


@dataclass(slots=True)
class Record:
    """One row: its number, the cells of the columns asked for as text (stripped), a digest of the whole row."""

    row: int | str
    """By which a person finds it: the spreadsheet's row number; in a database, which has none, the row's key."""
    cells: Mapping[str, str]
    digest: bytes
    unusable: Mapping[str, RefusalReason] = field(default_factory=dict)
    """Columns of this row whose cell says nothing usable, and why."""
    plain: bool = False
    """Known to have nothing in any cell of which `cell` would have to warn."""

    def cell(self, column: str) -> str:
        """The cell's text, empty where there is none. Raises `CellError` for what cannot be used."""
        value = self.cells.get(column, "")
        if self.plain:
            return value
        if column in self.unusable:
            raise CellError(self.unusable[column], column=column, value=value)
        if "\ufffd" in value or "\0" in value:
            raise CellError(RefusalReason.NOT_TEXT, column=column, value=value)
        if value[:1] == "#" and value in _NO_RESULT:
            raise CellError(RefusalReason.FORMULA_ERROR, column=column, value=value)
        return value


class RecordTable(Protocol):
    """One table: a file, a sheet, a database's table or query."""

    @property
    def name(self) -> str:
        """As the mapping names it; reports say it."""

    @property
    def rows(self) -> int:
        """Records counted by the first reading; blank ones are none."""

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Columns that are there and that the mapping does not read; known once the table was read."""

    def size(self) -> int | None:
        """How much there is to read, in the unit of progress (bytes, rows); None where that is not known before."""

    def read(self, refuse: Refuse, progress: Progress | None = None) -> Iterator[Record]:
        """All records that can be read, one at a time; the first call counts them and refuses what cannot."""


class Connector(Protocol):
    """The tables of one place."""

    @property
    def tables(self) -> Mapping[str, RecordTable]:
        """Those that the mapping reads and that are there, by the mapping's names."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Tables that the mapping names and that are not there."""

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Tables that are there and that the mapping does not read."""
