"""Rows that a transaction writes last, in another thread than the one that made them.

Invariants: they are written in the order in which they were gathered, behind all else of their transaction and within it; what fails then fails the
whole, as a commit does. SQLite writes without Python's lock, and its thread waits for the lock behind each statement, so many rows are one statement.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection

_OPTION: Final = "spojka_late"
_TOGETHER: Final = 200
"""Rows of one statement: with half as many two threads get into each other's way, with twice as many nothing is won."""

Row = tuple[object, ...]


class LateRows:
    """What one transaction has left for its end."""

    def __init__(self) -> None:
        self._gathering = False
        self._statements: list[tuple[str, Sequence[Row] | Row]] = []

    def options(self) -> dict[str, Any]:
        """With which a connection's writing of many rows heeds this."""
        return {_OPTION: self}

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Many rows written within are left for the end: nothing in this transaction may read them."""
        self._gathering = True
        try:
            yield
        finally:
            self._gathering = False

    def take(self, connection: Connection, statement: str, rows: Sequence[Row]) -> bool:
        """Leave rows for the end; False where they are to be written now."""
        if not self._gathering:
            return False
        ready = 0
        if connection.dialect.name == "sqlite":  # PostgreSQL's driver sends many rows at once anyway
            ready = len(rows) - len(rows) % _TOGETHER
            for start in range(0, ready, _TOGETHER):
                together = rows[start : start + _TOGETHER]
                self._statements.append((_of_many(statement, len(together[0])), tuple(chain.from_iterable(together))))
        if ready < len(rows):
            self._statements.append((statement, rows[ready:]))
        return True

    def write(self, connection: Connection) -> None:
        """Write what was left."""
        for statement, values in self._statements:
            connection.exec_driver_sql(statement, values)
        self._statements.clear()


def late_rows(connection: Connection) -> LateRows | None:
    """Of the connection's transaction; None where it only reads."""
    found: LateRows | None = connection.get_execution_options().get(_OPTION)
    return found


@lru_cache
def _of_many(statement: str, columns: int) -> str:
    """An INSERT of one row as one of many."""
    row = f"({', '.join('?' * columns)})"
    head, values, tail = statement.partition(f" VALUES {row}")
    if not values:
        raise ValueError(f"no row of {columns} values in {statement}")
    return f"{head}{values}{f', {row}' * (_TOGETHER - 1)}{tail}"
