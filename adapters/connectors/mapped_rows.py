"""The rows of one source, joined, checked and with their client.

Invariants: a row that comes out has a key that no row before it had (but for a newer state of that row), every join it names, and a client; every
other row raises a `CellError` that says why. A client is named by all columns of `client` together, so equal ids of two institutions stay two people.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from adapters.connectors import cell_values
from adapters.connectors.evaluation import Evaluation, joined
from adapters.connectors.expression import InstantOf
from adapters.connectors.mapping import Check, Condition, Join, Lookup, Source
from adapters.connectors.record_table import Record
from adapters.connectors.refusal import CellError, RefusalReason
from adapters.connectors.scratch import Index, Scratch
from adapters.drafts import ClientKey

Texts = tuple[str | None, ...]
_LONGEST_KEY: Final = 200
"""Of a client or row, as the unit's database keeps it."""


_NONE: Final[Mapping[str, Any]] = {}


class JoinedRow:
    """A record and the rows that its joins found."""

    __slots__ = ("_joins", "_through", "record")

    def __init__(self, record: Record) -> None:
        self.record = record
        self._joins: Mapping[str, Mapping[str, str]] = _NONE
        self._through: Mapping[str, Sequence[str]] = _NONE

    def join(self, name: str, found: Mapping[str, str], *, through: Sequence[str]) -> None:
        """Offer another row's columns as `name.column`; `through` are this row's columns that led there."""
        self._joins = {**self._joins, name: found}
        self._through = {**self._through, name: through}

    def missing(self, column: str) -> CellError:
        """That a column has no value here: told of the cell in this row's own file where a person can mend it."""
        own = self._through.get(column.partition(".")[0], ())
        if "." not in column or not own:
            return CellError(RefusalReason.MISSING, column=column)
        empty = next((name for name in own if not self.cell(name)), None)
        if empty is not None:
            return CellError(RefusalReason.MISSING, column=empty)
        value = "/".join(self.cell(name) for name in own)
        detail = f"the row it refers to has no {column.partition('.')[2]}"
        return CellError(RefusalReason.MISSING, column="/".join(own), value=value, detail=detail)

    def cell(self, column: str) -> str:
        """A column's text; `join.column` for one of a join. Raises `CellError`."""
        if self._joins and "." in column:
            name, _, rest = column.partition(".")
            if name in self._joins:
                return self._joins[name].get(rest, "")
        return self.record.cell(column)

    def texts(self, columns: Sequence[str]) -> Texts | None:
        """The texts of some columns, where there is nothing to warn of in any of them: rows that have the same ones make the same of them."""
        if self._joins or not self.record.plain:
            return None
        return tuple(map(self.record.cells.get, columns))


class SourceRow(NamedTuple):
    """A row that may become messages."""

    joined: JoinedRow
    key: str
    client: ClientKey
    updated: datetime | None
    deleted: str
    """The text in the source's mark of deletion; empty for a row that lives."""

    @property
    def number(self) -> int | str:
        """By which a person finds the row."""
        return self.joined.record.row


class Lookups:
    """The rows of lookups, by key."""

    def __init__(self, lookups: Mapping[str, Lookup], scratch: Scratch) -> None:
        self._lookups = lookups
        self._indices = {name: scratch.index(f"lookup/{name}") for name in lookups}

    def keep(self, name: str, record: Record, evaluation: Evaluation) -> None:
        """Remember a record; of two with one key the newer, else the first that is complete. Raises `CellError` for one that is not remembered."""
        lookup, index = self._lookups[name], self._indices[name]
        row = self.joined(record, lookup.joins)
        if not all(holds(condition, row) for condition in lookup.when):
            return
        key = _named(row, lookup.key)
        stamp = _stamp(_updated(row, lookup.updated, evaluation))
        texts = [row.cell(column) for column in lookup.keep.values()]
        known = index.find(key)
        if known is not None and known[0] >= stamp and (all(known[1:]) or not all(texts)):
            column = "/".join(lookup.key)
            raise CellError(
                RefusalReason.KEY_TWICE, column=column, value=key, detail="a row before has it and is not older"
            )
        index.put(key, stamp, *texts)

    def joined(self, record: Record, joins: Mapping[str, Join], *, strict: bool = False) -> JoinedRow:
        """A record with its joins. Where `strict`, raises `CellError` for a reference to a row that is not there."""
        row = JoinedRow(record)
        for name, join in joins.items():
            key = joined(row, join.by)
            found = self._indices[join.lookup].find(key) if key else None
            lookup = self._lookups[join.lookup]
            if found is not None:
                row.join(name, dict(zip(lookup.keep, found[1:], strict=True)), through=join.by)
            elif key and strict and not lookup.when:
                detail = f"no row of {lookup.table_name} has this key"
                raise CellError(RefusalReason.NO_SUCH_ROW, column="/".join(join.by), value=key, detail=detail)
            else:
                row.join(name, {}, through=join.by)
        return row


def holds(condition: Condition, row: JoinedRow) -> bool:
    """Whether a row meets a condition."""
    value = row.cell(condition.column)
    if condition.one_of is not None and value not in condition.one_of:
        return False
    if condition.none_of is not None and (not value or value in condition.none_of):
        return False
    return condition.present is None or bool(value) is condition.present


class SourceRows:
    """Reads one source once."""

    def __init__(self, source: Source, lookups: Lookups, evaluation: Evaluation, seen: Index) -> None:
        self._source = source
        self._lookups = lookups
        self._evaluation = evaluation
        self._seen = seen

    def begin(self) -> None:
        """The source is read from its start."""
        self._seen.clear()

    def accept(self, record: Record) -> SourceRow:
        """The row, ready for rules. Raises `CellError`."""
        source = self._source
        row = self._lookups.joined(record, source.joins, strict=True) if source.joins else JoinedRow(record)
        key = _named(row, source.key)
        client = _named(row, source.client)
        updated = _updated(row, source.updated, self._evaluation)
        deleted = row.cell(source.deleted.column) if source.deleted else ""
        if not deleted:
            for check in source.checks:
                self._check(check, row)
        return SourceRow(row, key, ClientKey(client), updated, deleted)

    def claim(self, row: SourceRow) -> None:
        """Take the row's key, once the row is known to be usable. Raises `CellError` where a row before has it and is not older."""
        stamp, digest = _stamp(row.updated), row.joined.record.digest.hex()
        if self._seen.add(row.key, str(row.number), digest, stamp):
            return
        number, known_digest, known_stamp = self._seen.find(row.key) or ["", "", ""]
        column = "/".join(self._source.key)
        if digest == known_digest:
            raise CellError(RefusalReason.REPEATED_ROW, column=column, value=row.key, detail=f"as row {number}")
        if stamp <= known_stamp:
            raise CellError(RefusalReason.KEY_TWICE, column=column, value=row.key, detail=f"row {number} has it too")
        self._seen.put(row.key, str(row.number), digest, stamp)

    def _check(self, check: Check, row: JoinedRow) -> None:
        value = row.cell(check.column)
        if not value:
            if check.present:
                raise CellError(RefusalReason.MISSING, column=check.column)
            return
        if check.one_of is not None and value not in check.one_of:
            raise CellError(RefusalReason.UNKNOWN_CODE, column=check.column, value=value)
        if check.none_of is not None and value.casefold() in {one.casefold() for one in check.none_of}:
            raise CellError(RefusalReason.NOT_ALLOWED, column=check.column, value=value, detail="as the mapping says")
        if check.same_as is not None and (other := row.cell(check.same_as)) and value != other:
            detail = f"{check.same_as} is another"
            raise CellError(RefusalReason.DIFFERS, column=check.column, value=value, detail=detail)
        if check.not_before is not None:
            self._check_order(check.column, value, row.cell(check.not_before), check.not_before)

    def _check_order(self, column: str, value: str, other: str, other_name: str) -> None:
        formats = self._evaluation.format.dates
        later, earlier = cell_values.day(value, formats), cell_values.day(other, formats) if other else None
        if later is not None and earlier is not None and later < earlier:
            raise CellError(RefusalReason.BEFORE, column=column, value=value, detail=f"{other_name} is {other}")


def _named(row: JoinedRow, columns: tuple[str, ...]) -> str:
    text = row.cell(columns[0]) if len(columns) == 1 else joined(row, columns)
    if not text:
        raise row.missing(next(column for column in columns if not row.cell(column)))
    if len(text) > _LONGEST_KEY:
        raise CellError(RefusalReason.NOT_ALLOWED, column="/".join(columns), value=text, detail="too long for a key")
    return text


def _updated(row: JoinedRow, column: str | None, evaluation: Evaluation) -> datetime | None:
    """When a row was last changed; None where it does not say so in a way that can be understood."""
    try:
        return evaluation.instant(InstantOf(instant=column), row) if column else None
    except CellError:
        return None


def _stamp(updated: datetime | None) -> str:
    """Moments as texts that sort as the moments do."""
    return "" if updated is None else updated.astimezone(UTC).isoformat()
