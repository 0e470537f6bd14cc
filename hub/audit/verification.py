"""Verifying an export: its rows against the signed checkpoint, the checkpoint against the auditor's policy, every decision run again.

Invariants: each row is read once; memory does not grow with the number of rows but for a record of 49 bytes each (`columns`), since one record key is
run after the other; a violation is a finding and never ends the run, so that one changed byte does not hide another.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from contracts.ledger import checkpoint
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.policy import Policy
from contracts.ledger.signed_note import Note, NoteError
from contracts.ledger.tiles import TiledTree
from contracts.ledger.witnessing import WitnessError, check_extends
from contracts.merkle import HASH_LENGTH, ProofError
from hub.audit.bundle import Bundle, BundleError
from hub.audit.columns import Columns
from hub.audit.findings import Finding, FindingCode
from hub.audit.proven_leaves import ProvenLeaves
from hub.audit.verification_work import Done, Prepared, prepared, run_here, run_in_processes

_ALONE: Final = 4_000_000
"""Bytes of rows for which it is not worth while to start processes."""
Progress = Callable[[int], None]
"""Told how many rows are done."""


@dataclass(slots=True)
class Report:
    """What a verification found."""

    rows: int = 0
    findings: list[Finding] = field(default_factory=list)
    """In the order of positions."""
    counts: dict[str, int] = field(default_factory=dict)
    origin: str = ""
    size: int = 0
    part: bool = False
    """Only what is in the part was run again; that nothing of it was left out at its end nobody can tell from it."""
    witnesses: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Nothing was found."""
        return not self.findings


def verify(
    bundle: Bundle,
    policy: Policy,
    *,
    seen: Sequence[Note] = (),
    progress: Progress = lambda _rows: None,
    processes: int | None = None,
) -> Report:
    """Everything that is wrong with an export. `seen`: checkpoints from elsewhere, which it must extend.

    `processes`: how many share the work; None: as many as there is work and are processors.

    Raises `BundleError` where it does not even read.
    """
    report = Report(part=bundle.manifest.part is not None)
    head = bundle.head
    report.origin, report.size = head.origin, head.size
    report.findings += _accepted(bundle, policy, report)
    report.findings += [one for note in seen for one in _extends(bundle, policy, note)]
    ready = prepared(bundle)
    report.findings += ready.findings
    alone = report.part or processes == 1 or (processes is None and bundle.bytes_of_rows < _ALONE)
    run = run_here if alone else run_in_processes
    done = Done()
    with run(ready, processes) as (columns, portions):
        for portion in portions:
            done.add(portion)
            progress(done.rows)
        report.findings += done.findings
        report.findings += _together(ready, columns, done)
    report.findings += _own_ledger(ready)
    report.findings.sort(key=lambda one: one.position)
    report.rows, report.counts = done.rows, _counts(done.counts)
    return report


def _counts(found: Counter[str]) -> dict[str, int]:
    return {name: found[name] for name in ("accepted", "refused", "deliveries")}


def _accepted(bundle: Bundle, policy: Policy, report: Report) -> Iterator[Finding]:
    try:
        report.witnesses = tuple(sorted(policy.witnessed(bundle.note)))
        policy.accept(bundle.note)
    except NoteError as error:
        yield Finding(FindingCode.NOT_ACCEPTED, report.size, error.problem)


def _extends(bundle: Bundle, policy: Policy, note: Note) -> Iterator[Finding]:
    """That the export goes on from what was seen before, or by somebody else."""
    head = bundle.head
    try:
        before = policy.accept(note, origin=head.origin)
    except NoteError as error:
        raise BundleError(f"A checkpoint that was seen is of no use here: {error.problem}.", advice=_SEEN) from error
    if bundle.manifest.part is not None:
        raise BundleError("A part cannot show what the whole ledger extends.", advice="Compare with a whole export.")
    if before.size > head.size:
        detail = f"{before.size} entries were seen, the export ends at {head.size}"
        yield Finding(FindingCode.CONTRADICTED, head.size, detail)
        return
    if not _goes_on(bundle, before):
        detail = f"it does not extend the {before.size} entries that were seen"
        yield Finding(FindingCode.CONTRADICTED, before.size, detail)


def _goes_on(bundle: Bundle, before: Checkpoint) -> bool:
    head = bundle.head
    if before.size in (0, head.size):
        return before.size == 0 or before.root == head.root
    try:
        proof = TiledTree(head.size, bundle.tile).consistency(before.size)
        check_extends(proof, old_size=before.size, old_root=before.root, new=head)
    except (ProofError, WitnessError):
        return False
    return True


_SEEN: Final = "Name a checkpoint of the same ledger that the policy accepts."


def _own_ledger(ready: Prepared) -> Iterator[Finding]:
    """A ledger of another programme vouches for nothing here."""
    directory = ready.timeline.newest
    if directory is None:
        return
    listed, origin = directory.listed, ready.bundle.head.origin
    if origin not in {checkpoint.origin_of(listed.programme, shard) for shard in range(listed.shards)}:
        yield Finding(FindingCode.NOT_ACCEPTED, 0, f"{origin} is no ledger of {listed.programme}")


def _together(ready: Prepared, columns: Columns, done: Done) -> Iterator[Finding]:
    """What only all rows together tell."""
    whole = ready.bundle.manifest.part is None
    yield from _under_the_root(ready.bundle, columns, done, whole=whole)
    yield from columns.times()
    yield from columns.repeated(whole=whole)
    yield from columns.late(done.silent)
    if whole:
        leaves = (leaf for _, leaf in columns.present())
        yield from done.gossip.contradictions(leaves, shard=ready.bundle.manifest.shard)
    for told in (*ready.reports.beyond(columns.size), *(one.told for one in ready.releases.beyond(columns.size))):
        detail = f"{told.unit} was given {told.position}, which nothing decided"
        yield Finding(FindingCode.UNFOUNDED, told.reported, detail)
    if done.rows != ready.bundle.manifest.rows:
        yield Finding(FindingCode.INDEX, 0, f"{done.rows} rows, said to be {ready.bundle.manifest.rows}")


def _under_the_root(bundle: Bundle, columns: Columns, done: Done, *, whole: bool) -> Iterator[Finding]:
    head, present = bundle.head, sum(1 for _ in columns.present())
    if done.rows > present:
        detail = f"{done.rows - present} rows beyond what is vouched for, or where another one stands"
        yield Finding(FindingCode.SIZE_MISMATCH, head.size, detail)
    if whole and present < head.size:
        detail = f"{present} rows, the checkpoint vouches for {head.size}"
        yield Finding(FindingCode.SIZE_MISMATCH, present, detail)
        yield from columns.gaps()
    if whole and columns.root() == head.root:
        return
    proven = ProvenLeaves(head, bundle.tile)
    try:
        proven.check()
    except ProofError as error:
        yield Finding(FindingCode.ROOT_MISMATCH, max(head.size - 1, 0), error.problem)
        return
    yield from _unlike(proven, columns)


def _unlike(proven: ProvenLeaves, columns: Columns) -> Iterator[Finding]:
    """Each row that is not what the ledger vouches for at its place."""
    for position, leaf in columns.present():
        try:
            signed = proven.leaf(position)
        except ProofError as error:
            yield Finding(FindingCode.ROOT_MISMATCH, position, error.problem)
            continue
        if leaf != signed:
            detail = f"its hash is {_short(leaf)}, the ledger's is {_short(signed)}"
            yield Finding(FindingCode.ROOT_MISMATCH, position, detail)


def _short(leaf: bytes) -> str:
    return leaf[: HASH_LENGTH // 4].hex()
