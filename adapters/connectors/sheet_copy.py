"""A copy of a person's sheet with the answers in it.

Invariants: the original is opened to be read and never written; a copy appears whole or not at all, and only in place of nothing or of an earlier
copy of ours; formatting, formulas and other sheets stay; what another unit wrote is text in a cell and never a formula.
"""

import copy
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.packaging.custom import StringProperty
from openpyxl.utils.cell import range_boundaries

from adapters.connectors.header import plain
from adapters.connectors.mapping import Answers
from adapters.connectors.xlsx_sheet import XlsxSheet
from adapters.errors import AdapterError

MOST_ROWS: Final = 20_000
"""A workbook that is written is held whole in memory."""
_MARK: Final = "spojka-answers"
_DAY: Final = "d. m. yyyy"


class SheetCopyError(AdapterError):
    """The copy cannot be written; whatever was there is as it was."""


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What is written into one row."""

    status: str
    day: date | None = None
    contact: str = ""
    reason: str = ""


def write_copy(table: XlsxSheet, to: Path, columns: Answers, answers: Mapping[int, RowAnswer]) -> None:
    """Write the copy of a sheet that was read before, with an answer by row number. Raises `SheetCopyError`."""
    _refuse_place(table.path, to)
    if table.header_row is None or table.rows > MOST_ROWS:
        raise SheetCopyError(
            f"Answers cannot be written into {table.path.name}",
            advice=f"It needs a sheet with the columns' names and at most {MOST_ROWS} rows.",
        )
    beside = to.with_name(f".{secrets.token_hex(4)}-{to.name}")
    try:
        book = load_workbook(table.path)
        _fill(book[table.chosen], table.header_row, columns, answers)
        if _MARK not in book.custom_doc_props.names:
            book.custom_doc_props.append(StringProperty(name=_MARK, value="1"))
        book.save(beside)
        beside.replace(to)
    except OSError as error:
        problem = f"The copy {to} cannot be written ({error.strerror or type(error).__name__})"
        raise SheetCopyError(
            problem, advice="Check the folder and its space; close the copy where it is open."
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _refuse_place(original: Path, to: Path) -> None:
    if not to.exists():
        return
    if original.samefile(to):
        raise SheetCopyError(
            "The copy is the sheet itself", advice="Name another file: your own sheet is never written."
        )
    if not _is_ours(to):
        raise SheetCopyError(f"There is another file {to}", advice="Name a new file, or an earlier copy with answers.")


def _is_ours(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as package:
            return _MARK.encode() in package.read("docProps/custom.xml")
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return False


def _fill(sheet: Any, header_row: int, columns: Answers, answers: Mapping[int, RowAnswer]) -> None:  # noqa: ANN401 - openpyxl has no types
    places = _places(sheet, header_row, columns.columns)
    _unmerge(sheet, header_row, set(places))
    for number, answer in answers.items():
        texts = (answer.status, answer.day, answer.contact, answer.reason)
        for place, value in zip(places, texts, strict=True):
            cell = sheet.cell(number, place)
            cell.value = value or None
            if isinstance(value, str) and value:
                cell.data_type = "s"
            elif value:
                cell.number_format = _DAY


def _places(sheet: Any, header_row: int, names: Sequence[str]) -> list[int]:  # noqa: ANN401 - as above
    """The columns of these names, new ones behind the last name in the header's own looks."""
    known = {plain(str(cell.value)): cell for cell in sheet[header_row] if cell.value is not None}
    last = max(known.values(), key=lambda cell: cell.column)
    places: list[int] = []
    for name in names:
        if plain(name) not in known:
            added = sheet.cell(header_row, max(cell.column for cell in known.values()) + 1, name)
            added._style = copy.copy(last._style)  # noqa: SLF001 - the library's documented way to copy a cell's looks
            known[plain(name)] = added
        places.append(known[plain(name)].column)
    return places


def _unmerge(sheet: Any, header_row: int, places: set[int]) -> None:  # noqa: ANN401 - as above
    """Only the first cell of merged ones can hold anything."""
    for merged in [str(one) for one in sheet.merged_cells.ranges]:
        left, _, right, bottom = range_boundaries(merged)
        if bottom > header_row and any(left <= place <= right for place in places):
            sheet.unmerge_cells(merged)
