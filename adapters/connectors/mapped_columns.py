"""Which columns of a table a mapping reads.

Invariant: a join's column belongs to the table of its lookup, the columns that lead to it to the table that joins.
"""

from collections.abc import Iterable

from adapters.connectors.expression import columns_of
from adapters.connectors.header import plain
from adapters.connectors.mapping import Lookup, Mapping, Rule, Source
from adapters.connectors.record_table import Connector


def wanted_columns(mapping: Mapping, table: str) -> frozenset[str]:
    """The columns of a table that a mapping reads."""
    wanted: set[str] = set()
    for lookup in mapping.lookups.values():
        if lookup.table_name == table:
            wanted |= _own(_lookup_columns(lookup), lookup.joins)
    for source in mapping.sources:
        if source.table_name == table:
            wanted |= _own(_source_columns(source), source.joins)
    return frozenset(wanted)


def unread_columns(mapping: Mapping, connector: Connector) -> dict[str, tuple[str, ...]]:
    """By table, the columns that are there and that nobody reads; those for answers are our own. Known once the tables were read."""
    ours: dict[str, set[str]] = {}
    for source in mapping.sources:
        answers = source.answers.columns if source.answers else ()
        ours.setdefault(source.table_name, set()).update(plain(name) for name in answers)
    unread = {
        name: tuple(column for column in table.unmapped if plain(column) not in ours.get(name, ()))
        for name, table in connector.tables.items()
    }
    return {name: columns for name, columns in unread.items() if columns}


def _own(columns: Iterable[str | None], joins: Iterable[str]) -> set[str]:
    return {column for column in columns if column and not is_joined(column, joins)}


def is_joined(column: str, joins: Iterable[str]) -> bool:
    """Whether a name stands for a join's column."""
    name, dot, _ = column.partition(".")
    return bool(dot) and name in joins


def _lookup_columns(lookup: Lookup) -> list[str | None]:
    on = [column for join in lookup.joins.values() for column in join.by]
    return [*lookup.key, *lookup.keep.values(), *(one.column for one in lookup.when), *on, lookup.updated]


def _source_columns(source: Source) -> list[str | None]:
    on = [column for join in source.joins.values() for column in join.by]
    checked = [name for check in source.checks for name in (check.column, check.not_before, check.same_as)]
    ruled = [column for rule in source.rules for column in rule_columns(rule)]
    deleted = source.deleted.column if source.deleted else None
    return [*source.key, *source.client, source.institution, source.updated, deleted, *on, *checked, *ruled]


def rule_columns(rule: Rule) -> list[str]:
    """The columns that a rule reads."""
    expressions = [rule.time, *rule.facts.values(), *rule.content.values()]
    if rule.category is not None:
        expressions.append(rule.category)
    return [condition.column for condition in rule.when] + [c for one in expressions for c in columns_of(one)]
