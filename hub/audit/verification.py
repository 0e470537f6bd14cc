"""Verifying an export in one pass: its rows against the signed checkpoint, the checkpoint against the auditor's policy, every decision run again.

Invariants: memory does not grow with the number of rows but for the states of clients; a violation is a finding and never ends the run, so that one
changed byte does not hide another.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from contracts.ledger import checkpoint
from contracts.ledger.entry import leaf_of
from contracts.ledger.frontier import Frontier
from contracts.ledger.policy import Policy
from contracts.ledger.signed_note import NoteError
from hub.audit.bundle import Bundle, Row
from hub.audit.findings import Finding, FindingCode
from hub.audit.reexecution import Reexecution
from hub.audit.stored_events import event_of

_HASHED: Final = 1024
Progress = Callable[[int], None]
"""Told how many rows are done."""


@dataclass(slots=True)
class Report:
    """What a verification found."""

    rows: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    origin: str = ""
    size: int = 0
    witnesses: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Nothing was found."""
        return not self.findings


def verify(bundle: Bundle, policy: Policy, *, progress: Progress = lambda _rows: None) -> Report:
    """Everything that is wrong with an export. Raises `BundleError` where it does not even read."""
    report = Report()
    head = checkpoint.parse(bundle.note.text)
    report.origin, report.size = head.origin, head.size
    report.findings += _accepted(bundle, policy, report)
    again, tree, leaves = Reexecution(bundle.first_list), Frontier(), list[bytes]()
    root = tree.root if not head.size else None
    for row in bundle.rows():
        report.findings += _one(row, report.rows, again)
        leaves.append(leaf_of(report.rows, sha256(row.state).digest()))
        report.rows += 1
        if len(leaves) == _HASHED or report.rows == head.size:
            tree, leaves = tree.extended(leaves), []
            root = tree.root if report.rows == head.size else root
            progress(report.rows)
    if report.rows != head.size:
        detail = f"{report.rows} rows, the checkpoint vouches for {head.size}"
        report.findings.append(Finding(FindingCode.SIZE_MISMATCH, report.rows, detail))
    if head.size <= report.rows and root != head.root:
        report.findings.append(
            Finding(FindingCode.ROOT_MISMATCH, max(head.size - 1, 0), "another root than was signed")
        )
    report.findings += _own_ledger(again, bundle)
    report.counts = again.counts
    return report


def _accepted(bundle: Bundle, policy: Policy, report: Report) -> Iterator[Finding]:
    try:
        report.witnesses = tuple(sorted(policy.witnessed(bundle.note)))
        policy.accept(bundle.note)
    except NoteError as error:
        yield Finding(FindingCode.NOT_ACCEPTED, report.size, error.problem)


def _own_ledger(again: Reexecution, bundle: Bundle) -> Iterator[Finding]:
    """A ledger of another programme vouches for nothing here."""
    if again.directory is None:
        return
    listed, origin = again.directory.listed, checkpoint.parse(bundle.note.text).origin
    if origin not in {checkpoint.origin_of(listed.programme, shard) for shard in range(listed.shards)}:
        yield Finding(FindingCode.NOT_ACCEPTED, 0, f"{origin} is no ledger of {listed.programme}")


def _one(row: Row, expected: int, again: Reexecution) -> Iterator[Finding]:
    if row.position != expected:
        yield Finding(FindingCode.GAP, expected, f"position {row.position} stands at {expected}")
    event = event_of(row)
    if event is None:
        yield Finding(FindingCode.UNREADABLE, expected, f"{row.topic} does not read")
        return
    yield from again.take(event, row.position)
