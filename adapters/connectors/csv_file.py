"""One CSV file as a table of named cells.

Invariants: reading never fails on content, whatever the bytes; each row has its spreadsheet number (the first line is 1, blank lines count); only the
columns asked for are kept, so memory does not grow with the file or its width; the first reading alone reports and counts.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from adapters.connectors.csv_lines import Lines, records, separator_line
from adapters.connectors.file_format import FileFormat
from adapters.connectors.file_watch import FileWatch
from adapters.connectors.header import LOOKED_THROUGH, Header, Row, cut_at_header, names_found, plain
from adapters.connectors.record_table import REPORT_EVERY, Progress, Record, Refuse
from adapters.connectors.refusal import Refusal, RefusalReason, shown
from adapters.connectors.text_encoding import encoding_of

_DELIMITERS: Final = (",", ";", "\t", "|")


@dataclass(slots=True)
class CsvFile:
    """A file in the folder; `wanted` are the columns that a mapping reads."""

    path: Path
    name: str
    settings: FileFormat
    wanted: frozenset[str]
    rows: int = field(default=0, init=False)
    unmapped: tuple[str, ...] = field(default=(), init=False)
    _watch: FileWatch = field(init=False)

    def __post_init__(self) -> None:
        self._watch = FileWatch(self.path)

    def size(self) -> int | None:
        """The file's bytes."""
        try:
            return self.path.stat().st_size
        except OSError:
            return None

    def read(self, refuse: Refuse, progress: Progress | None = None) -> Iterator[Record]:
        """All rows that can be read, one at a time; the first call counts them and refuses what cannot."""
        first = self._watch.begin()
        report = refuse if first else (lambda _: None)
        try:
            with self.path.open("rb") as raw:
                self._watch.opened(raw)
                codec = encoding_of(self.path, self.settings)
                stream = io.TextIOWrapper(raw, encoding=codec, errors="replace", newline="")
                for record in self._records(Lines(stream), report, counting=first):
                    if progress and record.row % REPORT_EVERY == 0:
                        progress(raw.tell())
                    yield record
        except OSError as error:
            report(Refusal(self.name, 0, "", "", RefusalReason.FILE_UNREADABLE, error.strerror or type(error).__name__))
        if self._watch.changed():
            refuse(Refusal(self.name, 0, "", "", RefusalReason.FILE_CHANGED))

    def preview(self, rows: int) -> list[Row]:
        """The first rows as they stand, titles and names included. Raises `OSError`."""
        with self.path.open("rb") as raw:
            stream = io.TextIOWrapper(raw, encoding=encoding_of(self.path, self.settings), errors="replace", newline="")
            lines = Lines(stream)
            stated = separator_line("".join(lines.peek()))
            if stated:
                next(lines)
            return list(
                islice(enumerate(records(lines, self._delimiter(lines, stated)), start=2 if stated else 1), rows)
            )

    def _records(self, lines: Lines, refuse: Refuse, *, counting: bool) -> Iterator[Record]:
        stated = separator_line("".join(lines.peek()))
        if stated:
            next(lines)
        rows = enumerate(records(lines, self._delimiter(lines, stated)), start=2 if stated else 1)
        headed = cut_at_header(rows, self.wanted, stated=self.settings.header)
        for number, cells in headed.above:
            if cells is None:
                self._malformed(number, refuse)
        if headed.header is None:
            refuse(Refusal(self.name, 0, "", "", RefusalReason.FILE_EMPTY))
            return
        self.unmapped = headed.header.unmapped
        for column in headed.header.missing:
            refuse(Refusal(self.name, headed.number, column, "", RefusalReason.COLUMN_MISSING))
        yield from self._below(headed.header, headed.below, refuse, counting=counting)

    def _below(self, header: Header, rows: Iterator[Row], refuse: Refuse, *, counting: bool) -> Iterator[Record]:
        width, empty = header.width, self.settings.empty
        for number, cells in rows:
            if cells is not None and not any(cells):
                continue
            self.rows += counting
            if cells is None:
                self._malformed(number, refuse)
            elif len(cells) > width and any(cell.strip() for cell in cells[width:]):
                detail = f"{len(cells)} values for {width} columns"
                refuse(Refusal(self.name, number, "", shown(cells[width]), RefusalReason.TOO_MANY_VALUES, detail))
            else:
                yield header.record(number, cells, empty)

    def _malformed(self, number: int, refuse: Refuse) -> None:
        refuse(Refusal(self.name, number, "", "", RefusalReason.MALFORMED_ROW))

    def _delimiter(self, lines: Lines, stated: str | None) -> str:
        if self.settings.delimiter != "auto":
            return "\t" if self.settings.delimiter == "tab" else self.settings.delimiter
        first = lines.peek(LOOKED_THROUGH)
        return stated or max(
            _DELIMITERS, key=lambda sign: max([self._found_by(sign, line) for line in first] or [(0, 0)])
        )

    def _found_by(self, delimiter: str, line: str) -> tuple[int, int]:
        names = line.split(delimiter)
        return names_found(names, self.wanted), len({plain(name) for name in names})
