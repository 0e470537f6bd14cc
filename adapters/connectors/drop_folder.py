"""The drop folder: the files that a mapping names, as they lie in one folder; or one file in place of the only one that the mapping names.

Invariants: names are compared without case; a file that the mapping names and the folder lacks is reported, one that the mapping does not name is
listed and not read.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from adapters.connectors.csv_file import CsvFile
from adapters.connectors.mapped_columns import wanted_columns
from adapters.connectors.mapping import Mapping as MappingFile
from adapters.connectors.mapping import Origin
from adapters.connectors.record_table import RecordTable
from adapters.errors import AdapterError

_SUFFIXES: Final = (".csv",)


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
        self.unmapped = tuple(sorted(file.name for name, file in present.items() if name not in used))


def _table(path: Path, origin: Origin, mapping: MappingFile) -> RecordTable:
    name = origin.table_name
    return CsvFile(path, name, mapping.format_of(name), wanted_columns(mapping, name))


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
