"""The drafts of one source.

Invariants: each rule stands for itself: what one of them refuses costs no other rule's message; a key is taken only by a row that was of use, so an
unusable row never stands in the way of a good one behind it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import NamedTuple

from adapters.connectors.mapped_rows import SourceRow, SourceRows, holds
from adapters.connectors.mapping import Source
from adapters.connectors.record_table import Record
from adapters.connectors.refusal import CellError
from adapters.connectors.rule_drafts import RuleDrafts, Withdrawal
from adapters.connectors.scratch import Index, Scratch
from adapters.drafts import Draft

Made = Draft | Withdrawal
Records = Callable[[], Iterator[Record]]


class DraftedRow(NamedTuple):
    """One row of a source."""

    row: int | str
    made: Sequence[Made]
    faults: Sequence[CellError]

    def told(self) -> Sequence[CellError]:
        """Each fault once: of several rules that fail on one cell, the first."""
        if not self.faults:
            return ()
        told = {(fault.column, fault.reason): fault for fault in reversed(self.faults)}
        return list(reversed(told.values()))


@dataclass(frozen=True)
class SourceDrafting:
    """One source with its rules; `institution` limits it to that one's rows."""

    source: Source
    rows: SourceRows
    rules: Sequence[RuleDrafts]
    scratch: Scratch
    institution: str | None

    def made(self, records: Records) -> Iterator[Made]:
        """All drafts and withdrawals of the source; refusals go to the scratch."""
        for one in self.by_row(records):
            yield from one.made
            for fault in one.told():
                self.scratch.refuse(fault.at(self.source.table_name, one.row))

    def by_row(self, records: Records) -> Iterator[DraftedRow]:
        """What each row made, and what is wrong with it."""
        if any(one.rule.first_per_client for one in self.rules):
            self._note_firsts(records())
        self.rows.begin()
        for record in records():
            faults: list[CellError] = []
            yield DraftedRow(record.row, self._made_of(record, faults), faults)

    def _made_of(self, record: Record, faults: list[CellError]) -> list[Made]:
        try:
            row = self.rows.accept(record)
            if not self._ours(row):
                return []
            made = self._apply(row, faults)
            if made or not faults:
                self.rows.claim(row)
        except CellError as error:
            faults.append(error)
            return []
        return made

    def _ours(self, row: SourceRow) -> bool:
        column = self.source.institution
        return self.institution is None or column is None or row.joined.cell(column) == self.institution

    def _apply(self, row: SourceRow, faults: list[CellError]) -> list[Made]:
        applied: list[Made] = []
        for one in self.rules:
            try:
                if one.rule.when and not all(holds(condition, row.joined) for condition in one.rule.when):
                    continue
                if one.rule.first_per_client and not self._stands_for_client(one, row):
                    continue
                made = one.withdrawal(row) if row.deleted else one.draft(row, faults)
            except CellError as error:
                faults.append(error)
            else:
                if made is not None:
                    applied.append(made)
        return applied

    def _firsts(self, one: RuleDrafts) -> Index:
        return self.scratch.index(f"first/{self.source.table_name}/{one.rule.name}")

    def _stands_for_client(self, one: RuleDrafts, row: SourceRow) -> bool:
        """Whether it is the client's first row, or a deleted one of a client who has none left."""
        first = self._firsts(one).find(row.client)
        return first is None if row.deleted else first is not None and first[1] == row.key

    def _note_firsts(self, records: Iterator[Record]) -> None:
        self.rows.begin()
        for record in records:
            try:
                row = self.rows.accept(record)
                if row.deleted or not self._ours(row):
                    continue
                candidates = [(one, draft) for one in self.rules if (draft := self._candidate(one, row))]
                if candidates:
                    self.rows.claim(row)
            except CellError:
                continue  # reported when the rows are read for their messages
            for one, draft in candidates:
                stamp = draft.time.astimezone(UTC).isoformat()
                firsts = self._firsts(one)
                known = firsts.find(row.client)
                if known is None or stamp < known[0]:
                    firsts.put(row.client, stamp, row.key)

    def _candidate(self, one: RuleDrafts, row: SourceRow) -> Draft | None:
        if not one.rule.first_per_client:
            return None
        try:
            holding = all(holds(condition, row.joined) for condition in one.rule.when)
            return one.draft(row, []) if holding else None
        except CellError:
            return None
