"""Files of an export: a folder of CSV files, or one workbook. Rows can be cut out of them later.

Invariants: a file appears whole or not at all; a cell is text and never a formula, whoever wrote it; a CSV file opens rightly in Excel in all of our
languages (UTF-8 with its mark, semicolons); a row is cut by the id in it, so it is found also in a file that a person has sorted or widened.
"""

import csv
import os
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import InvalidFileException

from adapters.errors import AdapterError

_WORKBOOK: Final = ".xlsx"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_ENCODING: Final = "utf-8-sig"
_LONGEST: Final = 32_000
"""Characters of a workbook's cell."""


class ExportError(AdapterError):
    """A file of an export cannot be written or cut."""


@dataclass(frozen=True, slots=True)
class ExportTable:
    """One table: a CSV file of this name, or a sheet."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[str]]


def is_workbook(place: Path) -> bool:
    """Whether a place is one workbook and not a folder of CSV files."""
    return place.suffix.casefold() == _WORKBOOK


def write_tables(place: Path, tables: Sequence[ExportTable]) -> Callable[[], None]:
    """Write the tables beside their place; what is returned puts them there, whole. Raises `ExportError`."""
    try:
        if is_workbook(place):
            return _workbook(place, tables)
        place.mkdir(parents=True, exist_ok=True)
        put = [_csv(place / f"{table.name}.csv", table) for table in tables]
    except OSError as error:
        raise _told(place, error) from error
    return lambda: _all(put)


def cut(place: Path, keys: Collection[str]) -> None:
    """Take out every row that holds one of these ids. Raises `ExportError`, `FileNotFoundError` where nothing is there."""
    try:
        if is_workbook(place):
            _cut_workbook(place, keys)
            return
        for file in _csv_files(place):
            _cut_csv(file, keys)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, BadZipFile, InvalidFileException) as error:
        raise _told(place, error) from error


def remove(place: Path) -> None:
    """Delete a file. Raises `ExportError`, `FileNotFoundError`."""
    try:
        place.unlink()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _told(place, error) from error


def _csv_files(place: Path) -> Sequence[Path]:
    found = sorted(place.glob("*.csv"))
    if not found:
        raise FileNotFoundError(place)
    return found


def _csv(file: Path, table: ExportTable) -> Callable[[], None]:
    beside = _beside(file)
    with beside.open("w", encoding=_ENCODING, newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(table.columns)
        writer.writerows([_plain(cell) for cell in row] for row in table.rows)
        _to_disk(stream.fileno(), stream.flush)
    return lambda: _put(beside, file)


def _workbook(file: Path, tables: Sequence[ExportTable]) -> Callable[[], None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook(write_only=True)
    for table in tables:
        sheet = book.create_sheet(table.name)
        sheet.append(list(table.columns))
        for row in table.rows:
            cells = [WriteOnlyCell(sheet, _printable(cell)[:_LONGEST]) for cell in row]
            for cell in cells:
                cell.data_type = "s"
            sheet.append(cells)
    beside = _beside(file)
    book.save(beside)
    return lambda: _put(beside, file)


def _cut_csv(file: Path, keys: Collection[str]) -> None:
    beside = _beside(file)
    with file.open(encoding=_ENCODING, newline="") as read, beside.open("w", encoding=_ENCODING, newline="") as write:
        writer = csv.writer(write, delimiter=";")
        writer.writerows(row for row in csv.reader(read, delimiter=";") if not any(cell in keys for cell in row))
        _to_disk(write.fileno(), write.flush)
    _put(beside, file)


def _cut_workbook(file: Path, keys: Collection[str]) -> None:
    book = load_workbook(file)
    for sheet in book.worksheets:
        rows = [row[0].row for row in sheet.iter_rows() if any(cell.value in keys for cell in row)]
        for number in reversed(rows):
            sheet.delete_rows(number or 0)
    beside = _beside(file)
    book.save(beside)
    _put(beside, file)


def _plain(cell: str) -> str:
    """A spreadsheet takes what begins like a formula for one (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def _beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.{secrets.token_hex(4)}")


def _to_disk(descriptor: int, flush: Callable[[], None]) -> None:
    flush()
    os.fsync(descriptor)


def _put(beside: Path, file: Path) -> None:
    try:
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _told(file, error) from error


def _all(put: Sequence[Callable[[], None]]) -> None:
    for one in put:
        one()


def _told(place: Path, error: Exception) -> ExportError:
    return ExportError(
        f"{place} cannot be written or cut ({type(error).__name__})",
        advice="Close it where it is open, and check that this user may write there and that the disk has space; one that is no longer what it was: "
        "delete it, and say so by `export destroyed`",
    )
