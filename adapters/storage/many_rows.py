"""Writing many rows, and finding the rows of many keys, on SQLite and PostgreSQL alike.

Invariants: what is stored is what SQLAlchemy would store, by the same column types; a statement is made once and the values go to the driver as they
are, since making parameters a row costs more than the databases take to write it; a key search is one parameter, however many keys there are.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, Self

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    String,
    Table,
    TypeDecorator,
    bindparam,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from adapters.storage.late_rows import late_rows

_PSYCOPG: Final = psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call] # by position, as tuples give them


@dataclass(frozen=True, slots=True)
class Same:
    """A column that has the same value in every row."""

    value: object


Columns = Mapping[str, Sequence[object] | Same]
"""By column, the values of all rows in their order; at least one is no `Same`. A column left out is empty, or has its default."""


def insert_rows(connection: Connection, table: Table, columns: Columns) -> None:
    """Write new rows in the order given."""
    stated = {name: values for name, values in columns.items() if not _empty(values)}
    _write(connection, table, stated, replacing=False)


def upsert_rows(connection: Connection, table: Table, columns: Columns) -> None:
    """Write rows; one with the same primary key is replaced in these columns."""
    _write(connection, table, columns, replacing=True)


class _Keys(TypeDecorator[Sequence[str]]):
    """Keys as one parameter: an array on PostgreSQL, a JSON document on SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """As the driver takes it."""
        return dialect.type_descriptor(ARRAY(String) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> Any:  # noqa: ANN401 - by the dialect
        """As the database reads it."""
        keys = list(value or ())
        return keys if dialect.name == "postgresql" else json.dumps(keys)


class _OneOf(FunctionElement[bool]):
    """A column, and the parameter with the keys."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: object = None) -> Self:
        """As it is: SQLAlchemy would compare it with 1 beside other conditions, and SQLite then reads every row."""
        del against
        return self


@compiles(_OneOf, "sqlite")
def _in_document(element: _OneOf, compiler: SQLCompiler, **_: object) -> str:
    column, keys = map(compiler.process, element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608 - a column of ours and a placeholder


@compiles(_OneOf, "postgresql")
def _in_array(element: _OneOf, compiler: SQLCompiler, **_: object) -> str:
    column, keys = map(compiler.process, element.clauses)
    return f"{column} = ANY ({keys})"


def one_of_keys(column: ColumnElement[Any], parameter: str = "keys") -> ColumnElement[bool]:
    """Whether a text is one of those in a parameter: for a statement that is made once, since making it costs more than running it."""
    return _OneOf(column, bindparam(parameter, type_=_Keys()))


def among(column: Column[Any], keys: Iterable[str]) -> ColumnElement[bool]:
    """Whether a column of text is one of many keys."""
    return _OneOf(column, bindparam(None, list(keys), type_=_Keys()))


def _write(connection: Connection, table: Table, columns: Columns, *, replacing: bool) -> None:
    dialect = connection.dialect
    statement, order = _statement(table, tuple(columns), dialect.name, replacing)
    values = (_bound(_given(columns, table.c[name]), table.c[name], dialect) for name in order)
    rows = list(zip(*values, strict=False))
    if not rows:
        return
    late = late_rows(connection)
    if late is None or not late.take(connection, statement, rows):
        connection.exec_driver_sql(statement, rows)


@lru_cache(maxsize=256)
def _statement(table: Table, names: tuple[str, ...], dialect: str, replacing: bool) -> tuple[str, Sequence[str]]:  # noqa: FBT001 - a key of the memory
    """The statement as the driver takes it, and the order of its values."""
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    statement = insert.values({name: bindparam(name, type_=table.c[name].type) for name in names})
    if replacing:
        keys = [column.name for column in table.primary_key.columns]
        changed = {name: insert.excluded[name] for name in names if name not in keys}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    compiled = statement.compile(dialect=_PSYCOPG if dialect == "postgresql" else sqlite.dialect())
    return str(compiled), tuple(compiled.positiontup or ())


def _empty(values: Sequence[object] | Same) -> bool:
    """Whether a new row need not say it."""
    return (
        values.value is None
        if isinstance(values, Same)
        else isinstance(values, list | tuple) and values.count(None) == len(values)
    )


def _given(columns: Columns, column: Column[Any]) -> Sequence[object] | Same:
    if column.name in columns:
        return columns[column.name]
    return Same(column.default.arg)  # type: ignore[union-attr] # only a column that has one is written unasked


def _bound(values: Sequence[object] | Same, column: Column[Any], dialect: Dialect) -> Iterator[object]:
    """The values as the driver takes them."""
    plain = dialect.name == "sqlite" and isinstance(column.type, LargeBinary)  # bytes are stored as they are
    process = None if plain else column.type.dialect_impl(dialect).bind_processor(dialect)
    if isinstance(values, Same):
        return repeat(values.value if process is None else process(values.value))
    if process is None:
        return iter(values)
    return _processed(values, process) if isinstance(values, list | tuple) else map(process, values)


def _processed(values: Sequence[object], process: Callable[[Any], object]) -> Iterator[object]:
    """Each object once, however often it stands there: an import gives all rows of a day the same one."""
    made: dict[int, object] = {}
    for value in values:
        known = id(value)
        if known not in made:
            made[known] = process(value)
        yield made[known]
