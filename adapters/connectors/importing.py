"""Drafts of a folder into the desk.

Invariants: rows go in transactions of a thousand, each whole or not at all; importing the same folder again, also after a crash in the middle,
makes nothing twice, since each draft names its row; a deleted row corrects only what was imported before; what could not be understood is kept as an
open item, up to `MOST_ITEMS` an import, and all of it stands in the report.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol

from adapters.connectors.refusal import Refusal
from adapters.connectors.rule_drafts import Withdrawal
from adapters.connectors.source_drafting import Made
from adapters.desk.recorded import Recorded
from adapters.drafts import Draft
from contracts.messages.entry import EntryCorrected
from contracts.names import MessageId

CHUNK: Final = 500
"""Rows looked at together."""
MOST_ITEMS: Final = 1000
"""Open items that one import may add: more of them means a wrong mapping, not rows to mend one by one."""
MOST_KEY: Final = 400
"""Characters of a local key that the unit's database is given."""


class RefusalDesk(Protocol):
    """What refusals need of the desk."""

    def quarantine_row(self, local_key: str, *, code: str, explanation: str, row: bytes | None = None) -> int:
        """Keep what no draft could be made of."""


class KnownRows(Protocol):
    """What was imported before."""

    def messages_of(self, local_keys: Sequence[str]) -> Mapping[str, MessageId]:
        """The messages that rows became, by local key."""


@dataclass(slots=True)
class Imported:
    """What became of the drafts: by state, repeated ones apart."""

    states: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    items: int = 0

    def count(self, recorded: Recorded) -> None:
        """One answer of the desk."""
        if recorded.repeated:
            self.repeated += 1
        else:
            self.states[recorded.state.value] += 1


def to_record(made: Iterable[Made], known: KnownRows) -> Iterator[Draft]:
    """The drafts to give to the desk: all, and of the withdrawals those whose row was imported before."""
    remaining = iter(made)
    while chunk := list(islice(remaining, CHUNK)):
        withdrawn = [one.of for one in chunk if isinstance(one, Withdrawal)]
        before = known.messages_of(withdrawn) if withdrawn else {}
        for one in chunk:
            if isinstance(one, Draft):
                yield one
            elif one.of in before:
                yield _withdrawing(one.draft, before[one.of])


def _withdrawing(draft: Draft, before: MessageId) -> Draft:
    return draft._replace(corrects=before) if isinstance(draft.facts, EntryCorrected) else draft


def keep_refusals(refusals: Iterable[Refusal], *, desk: RefusalDesk, mapping: str) -> int:
    """Keep what was refused as open items; returns how many."""
    number = 0
    for number, one in enumerate(islice(refusals, MOST_ITEMS), start=1):  # noqa: B007 - the last number is the answer
        row = {"file": one.file, "row": one.row, "column": one.column, "value": one.value}
        desk.quarantine_row(
            f"{mapping}/{one.file}/row {one.row}/{one.column}"[:MOST_KEY],
            code=one.reason.value,
            explanation=one.explained,
            row=json.dumps(row, ensure_ascii=False).encode(),
        )
    return number
