"""Files of an export: a folder of CSV files, or one workbook. Rows can be cut out of them later.

Invariants: a file appears whole or not at all, and nothing of one that failed stays; a new one is its owner's alone, one that is written again keeps
its mode, so that who may read it is decided once and by a person; a cell is text and never a formula, whoever wrote it; a CSV file opens rightly in
Excel in all of our languages (UTF-8 with its mark, semicolons); a row is cut by the id in it, so it is found also in a file that a person has sorted
or widened.
"""

import csv
import glob
import os
import secrets
import stat
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
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
_MARK_BYTES: Final = 4


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
        with ExitStack() as undo:
            if is_workbook(place):
                put = [_workbook(place, tables, undo)]
            else:
                place.mkdir(parents=True, exist_ok=True)
                put = [_csv(place / f"{table.name}.csv", table, undo) for table in tables]
            undo.pop_all()
    except OSError as error:
        raise _told(place, error) from error
    return lambda: _all(put)


def write_document(place: Path, document: str | bytes) -> None:
    """Write a file that goes whole. Raises `ExportError`."""
    try:
        with ExitStack() as undo:
            beside = _beside(place, undo)
            with beside.open("wb") as stream:
                stream.write(document.encode() if isinstance(document, str) else document)
                _to_disk(stream.fileno(), stream.flush)
            undo.pop_all()
    except OSError as error:
        raise _told(place, error) from error
    _put(beside, place)


def cut(place: Path, keys: Collection[str]) -> None:
    """Take out every row that holds one of these ids. Raises `ExportError`, `FileNotFoundError` where nothing is there."""
    try:
        files = [place] if is_workbook(place) else _csv_files(place)
        for file in files:
            _drop_begun(file)
            with ExitStack() as undo:
                beside = _beside(file, undo)
                (_cut_workbook if is_workbook(place) else _cut_csv)(file, beside, keys)
                undo.pop_all()
            _put(beside, file)
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


def _csv(file: Path, table: ExportTable, undo: ExitStack) -> Callable[[], None]:
    beside = _beside(file, undo)
    with beside.open("w", encoding=_ENCODING, newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(table.columns)
        writer.writerows([_plain(cell) for cell in row] for row in table.rows)
        _to_disk(stream.fileno(), stream.flush)
    return lambda: _put(beside, file)


def _workbook(file: Path, tables: Sequence[ExportTable], undo: ExitStack) -> Callable[[], None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook(write_only=True)
    for table in tables:
        sheet = book.create_sheet(table.name)
        undo.callback(sheet.close)
        sheet.append(list(table.columns))
        for row in table.rows:
            cells = [WriteOnlyCell(sheet, _printable(cell)[:_LONGEST]) for cell in row]
            for cell in cells:
                cell.data_type = "s"
            sheet.append(cells)
    beside = _beside(file, undo)
    book.save(beside)
    return lambda: _put(beside, file)


def _cut_csv(file: Path, beside: Path, keys: Collection[str]) -> None:
    with file.open(encoding=_ENCODING, newline="") as read, beside.open("w", encoding=_ENCODING, newline="") as write:
        writer = csv.writer(write, delimiter=";")
        writer.writerows(row for row in csv.reader(read, delimiter=";") if not any(cell in keys for cell in row))
        _to_disk(write.fileno(), write.flush)


def _cut_workbook(file: Path, beside: Path, keys: Collection[str]) -> None:
    book = load_workbook(file)
    for sheet in book.worksheets:
        rows = [row[0].row for row in sheet.iter_rows() if any(cell.value in keys for cell in row)]
        for number in reversed(rows):
            sheet.delete_rows(number or 0)
    book.save(beside)


def _plain(cell: str) -> str:
    """A spreadsheet takes what begins like a formula for one (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def _beside(file: Path, undo: ExitStack) -> Path:
    """A file to write first, as open as the one in whose place it will be, else to its owner only; `undo` takes it away again."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(_MARK_BYTES)}")
    beside.touch(mode=0o600, exist_ok=False)
    undo.callback(beside.unlink, missing_ok=True)
    if file.exists():
        beside.chmod(stat.S_IMODE(file.stat().st_mode))
    return beside


def _drop_begun(file: Path) -> None:
    """What a writer that was killed left beside a file."""
    for left in file.parent.glob(f".{glob.escape(file.name)}.{'[0-9a-f]' * 2 * _MARK_BYTES}"):
        left.unlink(missing_ok=True)


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
