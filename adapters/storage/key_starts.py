"""Finding rows by the start of their subject or record key, which is what the indexes of the large tables hold of it.

An import adds rows of as many subjects as it has clients, so an index that begins with one is written all over, nearly a page a row, and each page is
encrypted. Eight characters (40 bits of chance) tell subjects apart nearly as well as all of them, and make the index half as large.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, func, literal_column

_FIRST: Final = 4
"""Behind `r1.` and `h1.`; SQL counts from 1."""
_LENGTH: Final = 8


def start_of(column: Column[Any]) -> ColumnElement[str]:
    """What an index holds of the column, written as the index has it: else no database would use it."""
    return func.substr(column, literal_column(str(_FIRST)), literal_column(str(_LENGTH)))


def starts(keys: Iterable[str]) -> list[str]:
    """The same of keys at hand."""
    return [key[_FIRST - 1 :][:_LENGTH] for key in keys]


def is_key(column: Column[Any], key: str) -> ColumnElement[bool]:
    """Whether the column is this key."""
    (start,) = starts([key])
    return (start_of(column) == start) & (column == key)
