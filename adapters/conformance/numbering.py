"""Judges numbers and repetitions over all that the adapter under test sent. Pure.

Invariant: after a fault the count goes on from what was sent, so one fault is one report.
"""

from dataclasses import dataclass, field

from adapters.conformance.inspection import Arrival
from adapters.conformance.report import Report
from contracts.names import MessageId, RecordKey


@dataclass(slots=True)
class Numbering:
    """What was sent under which key, number and id."""

    report: Report
    _next: dict[RecordKey, int] = field(default_factory=dict)
    _holders: dict[tuple[RecordKey, int], MessageId] = field(default_factory=dict)
    _digests: dict[MessageId, bytes] = field(default_factory=dict)

    def judge(self, arrival: Arrival) -> bool:
        """Report on its number, or on the repetition; True where the id is new."""
        before = self._digests.get(arrival.id)
        if before is not None:
            self.report.judge(
                "RES-1", holds=before == arrival.digest, else_=f"message {arrival.id} came with other bytes"
            )
            return False
        self._digests[arrival.id] = arrival.digest
        self._number(arrival)
        return True

    def conflict(self, arrival: Arrival, *, last: int) -> None:
        """The hub told the adapter that it has everything up to `last` under this key."""
        self._holders.pop((arrival.key, arrival.sequence), None)
        self._next[arrival.key] = last + 1

    def _number(self, arrival: Arrival) -> None:
        key, number = arrival.key, arrival.sequence
        holder = self._holders.setdefault((key, number), arrival.id)
        if holder != arrival.id:
            self.report.broken("SEQ-2", f"number {number} was given to {holder} and to {arrival.id}")
            return
        self.report.held("SEQ-2")
        expected = self._next.get(key, 1)
        self.report.judge("SEQ-1", holds=number == expected, else_=f"number {number} came where {expected} was due")
        self._next[key] = number + 1
