"""`spojka-adapter sheet`: a person's own sheet of referrals, with the answers in a copy of it.

Invariants: a row's state is what the worklist says, or why the row is not on it; as on every screen, others' words show only while this unit is in
touch, and the look is reported for each client.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from adapters.cli.opening import ByWhom, Home, Lang, Opened, Unit, opened
from adapters.connectors import reference_secret
from adapters.connectors.connector_choice import open_connector
from adapters.connectors.drafting import Drafting, ImportSettings
from adapters.connectors.import_words import REASONS
from adapters.connectors.mapping import Mapping as MappingFile
from adapters.connectors.mapping import Source
from adapters.connectors.mapping_file import load_mapping
from adapters.connectors.rule_drafts import Withdrawal
from adapters.connectors.scratch import Scratch
from adapters.connectors.sheet_copy import RowAnswer, SheetCopyError, write_copy
from adapters.connectors.source_drafting import DraftedRow
from adapters.connectors.xlsx_sheet import XlsxSheet
from adapters.errors import AdapterError
from adapters.process import looks
from adapters.process.looks import Look
from adapters.storage.journal import OwnState
from adapters.words import Words
from contracts.messages.referral import ReferralFacts
from contracts.names import ActorId, ReferralId
from projections.referral_answers import ReferralAnswer, answer_of
from projections.referral_fold import Referral

app = typer.Typer(help="Your own sheet of referrals.", no_args_is_help=True)


class SheetError(AdapterError):
    """The sheet is none into which answers can be written."""


@app.callback()
def _sheet() -> None:
    """Your own sheet of referrals."""


@app.command()
def answers(  # noqa: PLR0913 - one option a thing to say
    file: Annotated[Path, typer.Argument(help="Your sheet (.xlsx); it is read and never written.")],
    *,
    mapping: Annotated[str, typer.Option(help="The mapping with which it is imported.")],
    to: Annotated[Path, typer.Option(help="The copy to write.")],
    actor: ByWhom,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Write where each referral of the sheet stands into a copy of it."""
    chosen = load_mapping(mapping)
    source = next((one for one in chosen.sources if one.answers is not None), None)
    if source is None or source.answers is None:
        raise SheetError(
            f"The mapping {chosen.mapping} has no columns for answers", advice="Add `answers:` to it; see referrals-cs."
        )
    with opened(home, unit, lang) as here:
        table, rows = _rows(here, file, chosen, source)
        written = _written(here, Words(source.answers.language), rows, Look(ActorId(actor)))
        write_copy(table, to, source.answers, written)
        here.out.print(f"{here.words['sheet.written']} {to}: {len(written)} {here.words['sheet.rows']}", markup=False)


def _rows(here: Opened, file: Path, mapping: MappingFile, source: Source) -> tuple[XlsxSheet, Sequence[DraftedRow]]:
    connector = open_connector(file, mapping)
    table = connector.tables[source.table_name]
    if not isinstance(table, XlsxSheet):
        raise SheetError(f"{file.name} is no workbook", advice="Save it as .xlsx: answers go into a copy of that.")
    house = here.house
    settings = ImportSettings(house.directory.zone, house.clock.now(), reference_secret.load_or_create(house.folder))
    with Scratch() as scratch:
        rows = list(Drafting(mapping, connector, scratch, settings).rows_of(source))
        for refusal in scratch.refusals():
            if refusal.row == 0:
                raise SheetCopyError(f"{file.name}: {refusal.explained}", advice="Mend it, then do it again.")
    return table, rows


def _written(here: Opened, words: Words, rows: Sequence[DraftedRow], look: Look) -> Mapping[int, RowAnswer]:
    """The answer of each row; the look is reported."""
    overviews = here.house.overviews()
    try:
        seen = looks.worklist(here.house, overviews, look=look)
        if seen.hidden is not None:
            here.out.print(here.words[f"hidden.{seen.hidden.value}"], markup=False)
        known = {one.referral_id: one for one in seen.went}
        with overviews.look() as connection:
            answered = _Answers(here, words, known, None if seen.hidden is not None else connection)
            found = {row.row: answered.of(row) for row in rows if isinstance(row.row, int)}
        looks.report_referrals(here.house, answered.of_rows(rows), look=look)
    finally:
        overviews.close()
    return found


@dataclass(frozen=True, slots=True)
class _Answers:
    """What this unit knows of its referrals."""

    here: Opened
    words: Words
    """In the sheet's language."""
    known: Mapping[ReferralId, Referral]
    said: Connection | None
    """Where others' words are; None while they do not show."""

    def of(self, row: DraftedRow) -> RowAnswer:
        """What is written into a row."""
        if not row.made:
            return self._not_taken_over(row)
        referral, state = self._referral(row), self._own_state(row)
        if state is None:
            return RowAnswer(self.words["sheet.not-imported"])
        if referral is None or state is not OwnState.ACCEPTED:
            return RowAnswer(self.words[f"state.{state.value}"])
        said = ReferralAnswer() if self.said is None else answer_of(self.said, referral.subject, referral.referral_id)
        day = referral.changed_at.astimezone(self.here.house.directory.zone).date()
        reason = said.reason or ""
        reason = self.words.code(said.reason_list, reason) if said.reason_list else reason
        return RowAnswer(self.words[f"referral.{referral.state.value}"], day, said.contact or "", reason)

    def _not_taken_over(self, row: DraftedRow) -> RowAnswer:
        reasons = [f"{one.column}: {REASONS[one.reason][self.words.language]}" for one in row.told()]
        return RowAnswer(self.words["state.refused"], reason="; ".join(reasons)) if reasons else RowAnswer("")

    def _own_state(self, row: DraftedRow) -> OwnState | None:
        """What became of the row's message; None where it was never imported."""
        key = _local_key(row)
        with self.here.house.store.read() as tx:
            imported = None if key is None else tx.import_rows.find([key]).get(key)
            if imported is not None:
                return tx.journal.states([imported.message_id]).get(imported.message_id)
            return OwnState.REFUSED if key is not None and tx.quarantine.open_rows([key]) else None

    def _referral(self, row: DraftedRow) -> Referral | None:
        for one in row.made:
            facts = one.draft.facts if isinstance(one, Withdrawal) else one.facts
            if isinstance(facts, ReferralFacts) and facts.referral_id in self.known:
                return self.known[facts.referral_id]
        return None

    def of_rows(self, rows: Sequence[DraftedRow]) -> Sequence[Referral]:
        """The referrals of some rows."""
        return [one for row in rows if (one := self._referral(row)) is not None]


def _local_key(row: DraftedRow) -> str | None:
    for one in row.made:
        return one.of if isinstance(one, Withdrawal) else one.local_key
    return None
