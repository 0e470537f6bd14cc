"""One sheet of a workbook (.xlsx) as a table of named cells.

Invariants: reading never fails on content, whatever the bytes; each row has its number in the sheet; a cell is the text that it would be in a CSV
file of the same format (formulas: their value as last calculated); memory does not grow with the sheet but for the texts that its cells share, which
`workbook_guard` limits. Read by openpyxl's stream and not by a reader that holds a sheet whole: a sheet with two cells, A1 and XFD1048576, would end
such a process.
"""

import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from adapters.connectors.cell_text import text_of
from adapters.connectors.file_format import FileFormat
from adapters.connectors.file_watch import FileWatch
from adapters.connectors.header import LOOKED_THROUGH, Row, cut_at_header, names_found
from adapters.connectors.record_table import REPORT_EVERY, Progress, Record, Refuse
from adapters.connectors.refusal import Refusal, RefusalReason
from adapters.connectors.workbook_guard import WorkbookError, check_sheet, check_workbook

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

warnings.filterwarnings("ignore", module=r"openpyxl\.")  # of what it leaves out of a workbook, none of it cells
_MOST_ROWS: Final = 1_048_576
_CODE: Final = re.compile(r"0{2,}")
"""A number format that fills up with zeros: a code, as 007."""


@dataclass(slots=True)
class XlsxSheet:
    """A sheet in the folder; `wanted` are the columns that a mapping reads, `sheet` its name or None for the one that has most of them."""

    path: Path
    name: str
    settings: FileFormat
    wanted: frozenset[str]
    sheet: str | None = None
    rows: int = field(default=0, init=False)
    unmapped: tuple[str, ...] = field(default=(), init=False)
    chosen: str | None = field(default=None, init=False)
    """The sheet that was read."""
    header_row: int | None = field(default=None, init=False)
    """Where the names stand in it."""
    sheets: tuple[str, ...] = field(default=(), init=False)
    """All sheets of the workbook, once it was read."""
    _size: int | None = field(default=None, init=False)
    _watch: FileWatch = field(init=False)

    def __post_init__(self) -> None:
        self._watch = FileWatch(self.path)

    def size(self) -> int | None:
        """The sheet's rows, as far as it says so; known once the reading has begun."""
        return self._size

    def read(self, refuse: Refuse, progress: Progress | None = None) -> Iterator[Record]:
        """All rows that can be read, one at a time; the first call counts them and refuses what cannot."""
        first = self._watch.begin()
        report = refuse if first else (lambda _: None)
        try:
            with self.path.open("rb") as file:
                self._watch.opened(file)
                for record in self._records(file, report, counting=first):
                    if progress and isinstance(record.row, int) and record.row % REPORT_EVERY == 0:
                        progress(record.row)
                    yield record
        except OSError as error:
            report(self._refusal(RefusalReason.FILE_UNREADABLE, error.strerror or type(error).__name__))
        except WorkbookError as fault:
            report(self._refusal(fault.reason, fault.detail))
        if self._watch.changed():
            refuse(self._refusal(RefusalReason.FILE_CHANGED))

    def preview(self, rows: int) -> list[Row]:
        """The first rows of the sheet as they stand, titles and names included; none where it cannot be read. Raises `OSError`."""
        try:
            with self.path.open("rb") as file:
                check_workbook(file)
                with closing(_load(file)) as book:
                    return list(islice(self._rows(self._choose(book)), rows))
        except WorkbookError:
            return []

    def _records(self, file: BinaryIO, refuse: Refuse, *, counting: bool) -> Iterator[Record]:
        check_workbook(file)
        with closing(_load(file)) as book:
            sheet = self._choose(book)
            if counting:
                self._size = sheet.max_row
                self._check(file, sheet, refuse)
            headed = cut_at_header(self._rows(sheet), self.wanted, stated=self.settings.header)
            if headed.header is None:
                refuse(self._refusal(RefusalReason.FILE_EMPTY))
                return
            header, width = headed.header, headed.header.width
            self.unmapped, self.header_row = header.unmapped, headed.number
            for column in header.missing:
                refuse(Refusal(self.name, headed.number, column, "", RefusalReason.COLUMN_MISSING))
            for number, cells in headed.below:
                if not cells or not any(cells):
                    continue
                self.rows += counting
                self._note_nameless(cells, width)
                yield header.record(number, cells[:width], self.settings.empty)

    def _note_nameless(self, cells: Sequence[str], width: int) -> None:
        """What stands right of the columns with names is read by nobody, and said."""
        from openpyxl.utils import get_column_letter  # noqa: PLC0415 - as in `_load`

        for index in range(width, len(cells)):
            letter = get_column_letter(index + 1)
            if cells[index] and letter not in self.unmapped:
                self.unmapped = (*self.unmapped, letter)

    def _choose(self, book: "Workbook") -> Any:  # noqa: ANN401 - openpyxl's read-only sheet has no public type
        sheets = [one for one in book.worksheets if hasattr(one, "reset_dimensions")]
        self.sheets = tuple(str(one.title) for one in sheets)
        if self.sheet is None:
            visible = [one for one in sheets if one.sheet_state == "visible"] or sheets
            best = max(visible, key=self._found_in, default=None)
        else:
            asked = self.sheet.strip().casefold()
            best = next((one for one in sheets if str(one.title).strip().casefold() == asked), None)
        if best is None:
            raise WorkbookError(RefusalReason.SHEET_MISSING, f"it has {', '.join(self.sheets)}" if sheets else "")
        self.chosen = str(best.title)
        return best

    def _found_in(self, sheet: Any) -> int:  # noqa: ANN401 - as above
        rows = islice(self._rows(sheet), LOOKED_THROUGH)
        return max((names_found(cells, self.wanted) for _, cells in rows if cells), default=0)

    def _check(self, file: BinaryIO, sheet: Any, refuse: Refuse) -> None:  # noqa: ANN401 - as above
        with zipfile.ZipFile(file) as package:
            if uncalculated := _guarded(check_sheet, package, sheet._worksheet_path):  # noqa: SLF001 - the only place that knows it
                refuse(self._refusal(RefusalReason.NOT_CALCULATED, f"{uncalculated} cells"))

    def _rows(self, sheet: Any) -> Iterator[Row]:  # noqa: ANN401 - as above
        sheet.reset_dimensions()  # what a sheet says of its size need not be so
        rows = enumerate(sheet.iter_rows(), start=1)
        while True:
            found = _guarded(next, rows, None)
            if found is None or found[0] > _MOST_ROWS:
                return
            number, cells = found
            yield number, [self._text(cell) for cell in cells]

    def _text(self, cell: Any) -> str:  # noqa: ANN401 - as above
        value = cell.value
        if isinstance(value, str):
            return value.strip()
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and cell.has_style
            and _CODE.fullmatch(cell.number_format)
        ):
            return str(value).zfill(len(cell.number_format))
        return "" if value is None else text_of(value, self.settings)

    def _refusal(self, reason: RefusalReason, detail: str = "") -> Refusal:
        return Refusal(self.name, 0, "", "", reason, detail)


def _load(file: BinaryIO) -> "Workbook":
    from openpyxl import load_workbook  # noqa: PLC0415 - nine megabytes that an import of CSV files can do without

    return _guarded(load_workbook, file, read_only=True, data_only=True, keep_links=False)


def _guarded(work: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - passes through whatever the library takes and gives
    """What the library makes of the file, or a fault: a broken file may make it raise anything."""
    try:
        return work(*arguments, **named)
    except WorkbookError:
        raise
    except Exception as error:
        raise WorkbookError(RefusalReason.NOT_A_WORKBOOK, type(error).__name__) from error
