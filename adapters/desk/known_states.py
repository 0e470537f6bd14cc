"""Subjects' states during one transaction, read from the journal once and carried on (`states`: what is known from the transaction before).

Invariant: only what left or came counts: own entries that are held or refused shape nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from adapters.gate.subject_state import EMPTY, Happened, SubjectState, evolve
from adapters.storage.journal import EntryKind, OwnState, Shaping
from adapters.storage.unit_store import Transaction
from contracts.envelope import Message, parse
from contracts.errors import ContractsError
from contracts.facts import Facts
from contracts.messages.referral import ReferralSent
from contracts.names import SubjectId
from contracts.trust_list import Directory

_REMEMBERED: Final = 256
"""Each is some 5 KiB; an import remembers the states themselves (`remembered`)."""
_COUNTING = frozenset({OwnState.WAITING, OwnState.ACCEPTED})


@dataclass(slots=True)
class KnownStates:
    """The states that this transaction has looked at."""

    tx: Transaction
    directory: Directory | None
    states: dict[SubjectId, SubjectState] = field(default_factory=dict)

    def prefetch(self, subjects: Sequence[SubjectId]) -> None:
        """Read many at once."""
        lacking = [subject for subject in dict.fromkeys(subjects) if subject not in self.states]
        if not lacking:
            return
        self.states.update(dict.fromkeys(lacking, EMPTY))
        for entry in self.tx.journal.shaping(lacking):
            self._take(entry)

    def of(self, subject: SubjectId) -> SubjectState:
        """The state as of now."""
        if subject not in self.states:
            self.prefetch([subject])
        return self.states[subject]

    def happened(self, subject: SubjectId, happened: Happened) -> None:
        """A message of this transaction changed it."""
        self.states[subject] = evolve(self.of(subject), happened, self.directory)

    def waits(self, subject: SubjectId, facts: Facts) -> None:
        """An own message of this transaction is held: what moves its referral waits behind it."""
        if isinstance(facts, ReferralSent):
            state = self.of(subject)
            self.states[subject] = replace(state, waiting=state.waiting | {facts.referral_id})

    def _take(self, entry: Shaping) -> None:
        held = entry.kind is EntryKind.OWN and entry.state is OwnState.HELD
        counts = entry.kind is not EntryKind.OWN or entry.state in _COUNTING
        if entry.payload is None or entry.subject is None or not (counts or held):
            return
        try:
            message = _parsed(entry.payload)
        except ContractsError:
            return  # of a newer version: it shapes nothing here until this adapter knows it; the hub decides all the same
        if held:
            self.waits(entry.subject, message.facts)
            return
        happened = Happened(
            facts=message.facts,
            author=entry.author,
            category=message.category,
            purpose=message.purpose,
            time=message.time,
            recorded=entry.recorded_at,
            ground_id=entry.ground_id,
        )
        self.states[entry.subject] = evolve(self.states[entry.subject], happened, self.directory)


@lru_cache(maxsize=_REMEMBERED)
def _parsed(payload: bytes) -> Message:
    """The message of stored bytes: the same bytes are the same message for ever, and a desk meets the same few clients again and again."""
    return parse(payload)
