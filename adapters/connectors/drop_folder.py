"""The drop folder: the files that a mapping names, as they lie in one folder; or one file in place of the only one that the mapping names.

Invariants: a file's ending says what it is, a workbook (.xlsx) or CSV text; names are compared without case; a file that the mapping names and the
folder lacks is reported, one that the mapping does not name is listed and not read.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from adapters.connectors.csv_file import CsvFile
from adapters.connectors.mapped_columns import wanted_columns
from adapters.connectors.mapping import Mapping as MappingFile
from adapters.connectors.mapping import Origin
from adapters.connectors.record_table import RecordTable
from adapters.connectors.xlsx_sheet import XlsxSheet
from adapters.errors import AdapterError

_SHEETS: Final = (".xlsx", ".xlsm", ".xls", ".xlsb")
"""Opened as workbooks; what is none or none that can be read is told."""
_SUFFIXES: Final = (".csv", *_SHEETS)


class FolderError(AdapterError):
    """The folder or file cannot be imported at all."""


class DropFolder:
    """The files that a mapping reads. Raises `FolderError` where there is none of them."""

    def __init__(self, path: Path, mapping: MappingFile) -> None:
        origins = mapping.origins()
        files = tuple(dict.fromkeys(origin.file for origin in origins.values()))
        present = _only(path, files, mapping.mapping) if path.is_file() else _files(path)
        self.missing = tuple(name for name, origin in origins.items() if origin.file.casefold() not in present)
        if len(self.missing) == len(origins):
            raise FolderError(
                f"None of the files of the mapping {mapping.mapping} is in {path}",
                advice=f"Name the folder that holds {', '.join(files)}, or another --mapping.",
            )
        self.tables: Mapping[str, RecordTable] = {
            name: _table(present[origin.file.casefold()], origin, mapping)
            for name, origin in origins.items()
            if name not in self.missing
        }
        used = {name.casefold() for name in files}
        self._unread = sorted(file.name for name, file in present.items() if name not in used)

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Files in the folder and sheets of its workbooks that the mapping does not read; sheets are known once a workbook was read."""
        books = [table for table in self.tables.values() if isinstance(table, XlsxSheet)]
        read = {(one.path, one.chosen) for one in books}
        sheets = {(one.path, name) for one in books for name in one.sheets}
        return (*self._unread, *(f"{path.name}/{name}" for path, name in sorted(sheets - read, key=str)))


def is_workbook(path: Path) -> bool:
    """Whether a file is opened as a workbook, by its name's ending."""
    return path.suffix.casefold() in _SHEETS


def _table(path: Path, origin: Origin, mapping: MappingFile) -> RecordTable:
    name = origin.table_name
    written, wanted = mapping.format_of(name), wanted_columns(mapping, name)
    if is_workbook(path):
        return XlsxSheet(path, name, written, wanted, origin.sheet)
    return CsvFile(path, name, written, wanted)


def _files(path: Path) -> dict[str, Path]:
    try:
        return {file.name.casefold(): file for file in sorted(path.iterdir()) if file.suffix.casefold() in _SUFFIXES}
    except OSError as error:
        raise FolderError(
            f"The folder {path} cannot be read: {error.strerror}",
            advice="Check the name, and that this user may open it. A zip file must be unpacked first.",
        ) from error


def _only(path: Path, files: Iterable[str], mapping: str) -> dict[str, Path]:
    """One file stands for the only one of the mapping, whatever its name."""
    named = list(files)
    if len(named) > 1:
        raise FolderError(
            f"The mapping {mapping} reads several files", advice=f"Name the folder that holds {', '.join(named)}."
        )
    return {named[0].casefold(): path}
