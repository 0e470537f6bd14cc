"""A unit's journal as the source of its read models.

Invariant: an item's number is the revision of its row, so whoever has read up to one has missed nothing; a row that changed comes again.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.storage.journal import Entry, EntryKind, OwnState
from adapters.storage.receipts import Outcome
from adapters.storage.unit_store import UnitStore
from contracts.names import MessageId
from projections.source import BEGINNING, JournalItem, JournalKind

_KINDS: Final[Mapping[EntryKind, JournalKind]] = {
    EntryKind.OWN: "own",
    EntryKind.GIVEN: "given",
    EntryKind.ERASED: "erased",
}


class JournalSource:
    """Reads the journal of one unit."""

    def __init__(self, store: UnitStore) -> None:
        self._store = store
        self.erased = False
        """Whether a row was read whose content is gone."""

    def read(self, after: int, limit: int) -> Sequence[JournalItem]:
        """At most `limit` rows behind a revision, ascending."""
        with self._store.read() as tx:
            rows = tx.journal.since(max(after, 0), limit=limit)
            own = [row.message_id for row in rows if row.kind is EntryKind.OWN]
            outcomes = tx.receipts.outcomes(own) if own else {}
        self.erased |= any(row.kind is EntryKind.ERASED for row in rows)
        return [_item(row, outcomes) for row in rows]

    def end(self) -> int:
        """The last revision."""
        with self._store.read() as tx:
            return tx.journal.last_revision() or BEGINNING


def _item(row: Entry, outcomes: Mapping[MessageId, Outcome]) -> JournalItem:
    outcome = outcomes.get(row.message_id)
    return JournalItem(
        number=row.revision,
        arrived=row.number,
        kind="refused" if row.state is OwnState.REFUSED else _KINDS[row.kind],
        message_id=row.message_id,
        author=row.author,
        subject=row.subject,
        payload=row.payload or b"",
        recorded_at=row.recorded_at,
        ground_id=row.ground_id,
        position=row.position if outcome is None else outcome.position,
        state=None if row.state is None else row.state.value,
        refusal=None if outcome is None else outcome.code,
    )
