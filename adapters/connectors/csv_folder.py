"""The drop folder: the CSV files that a mapping names, as they lie in one folder.

Invariants: names are compared without case; a file that the mapping names and the folder lacks is reported, one that the mapping does not name is
listed and not read.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from adapters.connectors.csv_file import CsvFile
from adapters.connectors.expression import columns_of
from adapters.connectors.mapping import Lookup, Rule, Source
from adapters.connectors.mapping import Mapping as MappingFile
from adapters.errors import AdapterError


class FolderError(AdapterError):
    """The folder cannot be imported at all."""


class CsvFolder:
    """The files of a folder that a mapping reads. Raises `FolderError` where there is none of them."""

    def __init__(self, path: Path, mapping: MappingFile) -> None:
        present = _files(path)
        named = mapping.files()
        self.missing = tuple(name for name in named if name.casefold() not in present)
        if len(self.missing) == len(named):
            raise FolderError(
                f"None of the files of the mapping {mapping.mapping} is in {path}",
                advice=f"Name the folder that holds {', '.join(named)}, or another --mapping.",
            )
        self.files: Mapping[str, CsvFile] = {
            name: CsvFile(present[name.casefold()], name, mapping.format_of(name), wanted_columns(mapping, name))
            for name in named
            if name.casefold() in present
        }
        used = {name.casefold() for name in named}
        self.unmapped = tuple(sorted(file.name for name, file in present.items() if name not in used))

    def size(self) -> int:
        """Bytes of all files that are read."""
        return sum(file.path.stat().st_size for file in self.files.values())


def _files(path: Path) -> dict[str, Path]:
    try:
        return {file.name.casefold(): file for file in sorted(path.iterdir()) if file.suffix.casefold() == ".csv"}
    except OSError as error:
        raise FolderError(
            f"The folder {path} cannot be read: {error.strerror}",
            advice="Check the name, and that this user may open it. A zip file must be unpacked first.",
        ) from error


def wanted_columns(mapping: MappingFile, file: str) -> frozenset[str]:
    """The columns of a file that a mapping reads; those of joins belong to the lookup's file."""
    wanted: set[str] = set()
    for lookup in mapping.lookups.values():
        if lookup.file == file:
            wanted |= _own(_lookup_columns(lookup), lookup.joins)
    for source in mapping.sources:
        if source.file == file:
            wanted |= _own(_source_columns(source), source.joins)
    return frozenset(wanted)


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
