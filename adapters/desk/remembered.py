"""What an import looked up in one transaction and goes on with in the next.

Invariant: it is what a look into the database would give: whatever anybody else wrote in between, however small, and another trust list empty it.
"""

from dataclasses import dataclass, field
from typing import Final

from adapters.drafts import ClientKey
from adapters.gate.known_verdicts import KnownVerdicts
from adapters.gate.subject_state import SubjectState
from adapters.storage.content_keys import OwnKey
from adapters.storage.unit_store import Mark, Transaction, UnitStore
from contracts.names import RecordKey, SubjectId
from contracts.trust_list import Directory

_MOST: Final = 4096
"""Clients kept in mind, so that memory does not grow with an import."""


@dataclass(slots=True)
class Remembered:
    """Clients' subjects with their states, last numbers and content keys, and of whom something waits for a ground."""

    subjects: dict[ClientKey, SubjectId] = field(default_factory=dict)
    states: dict[SubjectId, SubjectState] = field(default_factory=dict)
    numbers: dict[RecordKey, int] = field(default_factory=dict)
    with_held: set[SubjectId] = field(default_factory=set)
    keys: dict[RecordKey, dict[str, OwnKey]] = field(default_factory=dict)
    """Content keys of these clients, by their scopes."""
    verdicts: KnownVerdicts = field(default_factory=KnownVerdicts)
    _trust_list: bytes | None = None
    _mark: Mark | None = None

    def begin(self, store: UnitStore, tx: Transaction, directory: Directory | None) -> None:
        """A transaction has begun: forget what may not hold any more."""
        trust_list = None if directory is None else directory.digest
        same = trust_list == self._trust_list and store.untouched_since(self._mark, tx)
        if not same or len(self.states) > _MOST:
            self.subjects.clear()
            self.states.clear()
            self.numbers.clear()
            self.with_held.clear()
            self.keys.clear()
            self.verdicts.clear()
        self._trust_list, self._mark = trust_list, store.mark(tx)
