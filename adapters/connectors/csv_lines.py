"""Records of CSV text, however broken.

Invariants: what RFC 4180 section 2 allows is read as it says; a record that breaks its quoting costs its own first line only, the lines behind it
are read again; no line or cell, however long, is held whole beyond `LONGEST_LINE` characters.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import Final, TextIO

LONGEST_LINE: Final = 1 << 20
LONGEST_CELL: Final = 131_072
"""The csv module's own limit, and ours."""
_SEPARATOR_LINE: Final = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
"""What Excel writes first to name its delimiter."""


class Lines:
    """The lines of a text, which a reader may give back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.overlong = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.taken.append(line)
        return line

    def _read(self) -> str:
        line = self._stream.readline(LONGEST_LINE)
        rest = line
        while len(rest) == LONGEST_LINE and not rest.endswith(("\n", "\r")):
            self.overlong = True
            rest = self._stream.readline(LONGEST_LINE)
        return line

    def begin(self) -> None:
        """A record begins here."""
        self.taken.clear()
        self.overlong = False

    def give_back(self, keep: int) -> None:
        """Read the lines of this record again but for the first `keep`."""
        self._again.extendleft(reversed(self.taken[keep:]))

    def peek(self, count: int = 1) -> list[str]:
        """The next lines, without taking them; fewer at the end."""
        while len(self._again) < count and (line := self._read()):
            self._again.append(line)
        return list(self._again)[:count]


def separator_line(line: str) -> str | None:
    """The delimiter that Excel's `sep=` line names."""
    found = _SEPARATOR_LINE.fullmatch(line)
    return found[1] if found else None


def records(lines: Lines, delimiter: str) -> Iterator[list[str] | None]:
    """The records in order, blank lines as empty ones; None for one that cannot be read."""
    while True:
        lines.begin()
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                yield None if lines.overlong else cells
                lines.begin()
        except csv.Error:
            lines.give_back(keep=1)
            yield None
        else:
            return
