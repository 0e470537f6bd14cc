"""From a connector's tables and a mapping to drafts, one row at a time.

Invariants: lookups are read before sources, each table in one pass (one more where a rule takes only a client's first row); a row is refused, or the
rules that hold for it give a message each; nothing of a row is kept but keys. Drafts come in the mapping's order, so what a later message refers to
came before it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from zoneinfo import ZoneInfo

from adapters.connectors.evaluation import Evaluation, folded
from adapters.connectors.mapped_rows import Lookups, SourceRows
from adapters.connectors.mapping import Mapping as MappingFile
from adapters.connectors.mapping import Source
from adapters.connectors.record_table import Connector, Record
from adapters.connectors.refusal import CellError, Refusal, RefusalReason
from adapters.connectors.rule_drafts import RuleDrafts
from adapters.connectors.scratch import Scratch
from adapters.connectors.source_drafting import DraftedRow, Made, SourceDrafting

Progress = Callable[[str, int], None]
"""Told the table and how much of it is read in this pass, in the unit of its size."""


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """What a mapping does not say: the programme's zone, the clock, the unit's secret for shared ids, and whose rows to take (all by default)."""

    zone: tzinfo
    now: datetime
    secret: bytes
    institution: str | None = None


class Drafting:
    """Makes the drafts of one connector's tables."""

    def __init__(self, mapping: MappingFile, connector: Connector, scratch: Scratch, settings: ImportSettings) -> None:
        self._mapping = mapping
        self._connector = connector
        self._scratch = scratch
        self._settings = settings
        self._lookups = Lookups(mapping.lookups, scratch)
        self._folded = folded(mapping.tables)

    def made(self, progress: Progress = lambda _file, _bytes: None) -> Iterator[Made]:
        """All drafts and withdrawals; refusals go to the scratch."""
        for file in self._connector.missing:
            self._scratch.refuse(Refusal(file, 0, "", "", RefusalReason.FILE_MISSING))
        for name in self._mapping.lookups:
            self._keep(name, progress)
        for source in self._mapping.sources:
            if source.table_name in self._connector.tables:
                yield from self._of(source).made(partial(self._records, source.table_name, progress))

    def rows_of(self, source: Source) -> Iterator[DraftedRow]:
        """What each row of one source makes, by its number; nothing is kept in the scratch's report."""
        for name in self._mapping.lookups:
            self._keep(name, lambda _file, _bytes: None)
        table = self._connector.tables[source.table_name]
        yield from self._of(source).by_row(partial(table.read, self._scratch.refuse))

    def _of(self, source: Source) -> SourceDrafting:
        evaluation = self._evaluation(source.table_name)
        return SourceDrafting(
            source,
            rows=SourceRows(source, self._lookups, evaluation, self._scratch.index(f"seen/{source.table_name}")),
            rules=[RuleDrafts(rule, self._mapping.mapping, evaluation, self._settings.now) for rule in source.rules],
            scratch=self._scratch,
            institution=self._settings.institution,
        )

    def _records(self, file: str, progress: Progress) -> Iterator[Record]:
        return self._connector.tables[file].read(self._scratch.refuse, lambda read: progress(file, read))

    def _evaluation(self, file: str) -> Evaluation:
        zone = ZoneInfo(self._mapping.zone) if self._mapping.zone else self._settings.zone
        tables, secret = self._mapping.tables, self._settings.secret
        return Evaluation(self._mapping.format_of(file), zone, tables, secret, self._folded)

    def _keep(self, name: str, progress: Progress) -> None:
        file = self._mapping.lookups[name].table_name
        if file not in self._connector.tables:
            return
        reported_later = any(source.table_name == file for source in self._mapping.sources)
        evaluation = self._evaluation(file)
        for record in self._records(file, progress):
            try:
                self._lookups.keep(name, record, evaluation)
            except CellError as error:
                if not reported_later:
                    self._scratch.refuse(error.at(file, record.row))
