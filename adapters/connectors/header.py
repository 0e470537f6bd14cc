"""Where the columns of a table without fixed columns are: its row of names, below whatever title stands above it.

Invariants: a stated row is taken as it is; else the row among the first `LOOKED_THROUGH` that has most of the names that the mapping reads, the upper
of two that have as many; names are compared without case and surrounding blanks. Rows above the names are no records.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from adapters.connectors.record_table import Record
from adapters.connectors.refusal import RefusalReason

LOOKED_THROUGH: Final = 30
"""Rows with something in them among which the names are looked for."""
_DIGEST_BYTES: Final = 12
_NONE: Final[Mapping[str, RefusalReason]] = {}
Row = tuple[int, list[str] | None]
"""A row's number and cells; None where it cannot be read."""


def plain(name: str) -> str:
    """A column's name as it is compared."""
    return " ".join(name.strip(" \t\r\n\ufeff\u00a0\"'").split()).casefold()


def names_found(cells: Sequence[str], wanted: frozenset[str]) -> int:
    """How many of the wanted names stand among some cells."""
    return len({plain(cell) for cell in cells} & {plain(name) for name in wanted})


@dataclass(frozen=True, slots=True)
class Headed:
    """A table cut at its header."""

    header: "Header | None"
    """None where no row has anything in it."""
    number: int
    above: Sequence[Row]
    below: Iterator[Row]


def cut_at_header(rows: Iterator[Row], wanted: frozenset[str], *, stated: int | None) -> Headed:
    """Find the row of names and go on behind it."""
    looked: list[Row] = []
    best, most = None, -1
    filled = 0
    for row in rows:
        looked.append(row)
        number, cells = row
        if stated is not None and number < stated:
            continue
        if not cells or not any(cells):
            if stated is not None:
                break
            continue
        filled += 1
        if (found := names_found(cells, wanted)) > most:
            best, most = len(looked) - 1, found
        if stated is not None or most == len({plain(name) for name in wanted}) or filled == LOOKED_THROUGH:
            break
    if best is None:
        return Headed(None, 0, looked, iter(()))
    number, cells = looked[best]
    return Headed(Header(cells or [], wanted), number, looked[:best], chain(looked[best + 1 :], rows))


class Header:
    """Where the wanted columns are."""

    def __init__(self, cells: Sequence[str], wanted: frozenset[str]) -> None:
        self.width = len(cells)
        places: dict[str, list[int]] = {}
        for index, name in enumerate(cells):
            places.setdefault(plain(name), []).append(index)
        found = {name: places[plain(name)] for name in sorted(wanted) if plain(name) in places}
        self.missing = sorted(wanted - found.keys())
        known = {plain(name) for name in wanted}
        self.unmapped = tuple(name.strip() for name in cells if plain(name) and plain(name) not in known)
        self._first = [(name, indices[0]) for name, indices in found.items()]
        self._twice = {name: indices for name, indices in found.items() if len(indices) > 1}

    def record(self, number: int, cells: list[str], empty: Sequence[str]) -> Record:
        """A row by the names of its columns; columns missing at its end are empty."""
        text = "\x1f".join(cells)
        digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()
        cells.extend([""] * (self.width - len(cells)))
        values = {name: cells[index].strip(" \t\u00a0") for name, index in self._first}
        if empty:
            values = {name: "" if value in empty else value for name, value in values.items()}
        if not self._twice:
            warned = (
                "#" in text or "\ufffd" in text or "\0" in text
            )  # signs without which `Record.cell` has nothing to warn of
            return Record(number, values, digest, _NONE, not warned)
        differing = [n for n, indices in self._twice.items() if len({cells[index].strip() for index in indices}) > 1]
        return Record(number, values, digest, dict.fromkeys(differing, RefusalReason.COLUMN_TWICE))
