"""One CSV file as a table of named cells.

Invariants: reading never fails on content, whatever the bytes; each row has its spreadsheet number (the header is 1, blank lines count); only the
columns asked for are kept, so memory does not grow with the file or its width; the first reading alone reports and counts.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.connectors.csv_lines import Lines, records, separator_line
from adapters.connectors.file_format import FileFormat
from adapters.connectors.refusal import CellError, Refusal, RefusalReason, shown
from adapters.connectors.text_encoding import encoding_of

Refuse = Callable[[Refusal], None]
Progress = Callable[[int], None]
_DELIMITERS: Final = (",", ";", "\t", "|")
_DIGEST_BYTES: Final = 12
_REPORT_EVERY: Final = 500


@dataclass(slots=True)
class Record:
    """One row: its number, the cells of the columns asked for (stripped), a digest of the whole row."""

    row: int
    cells: Mapping[str, str]
    digest: bytes
    differing: frozenset[str] = frozenset()
    """Columns that stand in the file twice with different values."""

    def cell(self, column: str) -> str:
        """The cell's text, empty where there is none. Raises `CellError` for what is no text."""
        value = self.cells.get(column, "")
        if column in self.differing:
            raise CellError(RefusalReason.COLUMN_TWICE, column=column, value=value)
        if "\ufffd" in value or "\0" in value:
            raise CellError(RefusalReason.NOT_TEXT, column=column, value=value)
        return value


@dataclass(slots=True)
class CsvFile:
    """A file in the folder; `wanted` are the columns that a mapping reads."""

    path: Path
    name: str
    settings: FileFormat
    wanted: frozenset[str]
    rows: int = field(default=0, init=False)
    _reported: bool = field(default=False, init=False)

    def read(self, refuse: Refuse, progress: Progress | None = None) -> Iterator[Record]:
        """All rows that can be read, one at a time; the first call counts them and refuses what cannot."""
        report = (lambda _: None) if self._reported else refuse
        counting, self._reported = not self._reported, True
        try:
            with self.path.open("rb") as raw:
                codec = encoding_of(self.path, self.settings)
                stream = io.TextIOWrapper(raw, encoding=codec, errors="replace", newline="")
                for record in self._records(Lines(stream), report, counting=counting):
                    if progress and record.row % _REPORT_EVERY == 0:
                        progress(raw.tell())
                    yield record
        except OSError as error:
            report(Refusal(self.name, 0, "", "", RefusalReason.FILE_UNREADABLE, error.strerror or type(error).__name__))

    def _records(self, lines: Lines, refuse: Refuse, *, counting: bool) -> Iterator[Record]:
        header: _Header | None = None
        stated = separator_line(lines.peek())
        if stated:
            next(lines)
        for number, cells in enumerate(records(lines, self._delimiter(lines, stated)), start=2 if stated else 1):
            self.rows += counting and header is not None and (cells is None or any(cells))
            if cells is None:
                line = lines.taken[0] if lines.taken else ""
                refuse(Refusal(self.name, number, "", "", RefusalReason.MALFORMED_ROW, f"{len(line)} characters"))
            elif not any(cells):
                continue
            elif header is None:
                header = _Header(cells, self.wanted)
                for column in header.missing:
                    refuse(Refusal(self.name, number, column, "", RefusalReason.COLUMN_MISSING))
            elif any(cell.strip() for cell in cells[header.width :]):
                detail = f"{len(cells)} values for {header.width} columns"
                refuse(
                    Refusal(self.name, number, "", shown(cells[header.width]), RefusalReason.TOO_MANY_VALUES, detail)
                )
            else:
                yield header.record(number, cells, self.settings.empty)
        if header is None:
            refuse(Refusal(self.name, 0, "", "", RefusalReason.FILE_EMPTY))

    def _delimiter(self, lines: Lines, stated: str | None) -> str:
        if self.settings.delimiter != "auto":
            return "\t" if self.settings.delimiter == "tab" else self.settings.delimiter
        return stated or max(_DELIMITERS, key=lambda sign: self._found_by(sign, lines.peek()))

    def _found_by(self, delimiter: str, line: str) -> tuple[int, int]:
        names = {_plain(name) for name in line.split(delimiter)}
        return len(names & {_plain(name) for name in self.wanted}), len(names)


def _plain(name: str) -> str:
    return name.strip(" \t\r\n\ufeff\u00a0\"'").casefold()


class _Header:
    """Where the wanted columns are; names are compared without case and surrounding blanks."""

    def __init__(self, cells: Sequence[str], wanted: frozenset[str]) -> None:
        self.width = len(cells)
        places: dict[str, list[int]] = {}
        for index, name in enumerate(cells):
            places.setdefault(_plain(name), []).append(index)
        found = {name: places[_plain(name)] for name in sorted(wanted) if _plain(name) in places}
        self.missing = sorted(wanted - found.keys())
        self._first = [(name, indices[0]) for name, indices in found.items()]
        self._twice = {name: indices for name, indices in found.items() if len(indices) > 1}

    def record(self, number: int, cells: list[str], empty: Sequence[str]) -> Record:
        """A row by the names of its columns; columns missing at its end are empty."""
        digest = hashlib.blake2b("\x1f".join(cells).encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()
        cells.extend([""] * (self.width - len(cells)))
        values = {name: cells[index].strip(" \t\u00a0") for name, index in self._first}
        if empty:
            values = {name: "" if value in empty else value for name, value in values.items()}
        differing = frozenset(
            name for name, indices in self._twice.items() if len({cells[index].strip() for index in indices}) > 1
        )
        return Record(number, values, digest, differing)
