"""What an auditor hands on of a violation: the row as the hub stored it, the proof that the hub's ledger vouches for it there, and every checkpoint.

Invariant: whoever has the ledger's key can check them without the export: the row's leaf hash leads by the proof to the signed checkpoint; who
witnessed that stands on it; and of two checkpoints of one ledger that do not fit, each is signed by the same key.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from contracts.ledger.proof_file import ProofFile
from contracts.ledger.signed_note import Note
from contracts.ledger.tiles import TiledTree
from contracts.merkle import ProofError
from hub.audit.bundle import ROWS, Bundle, BundleError, row_of

ROW: Final = "row.json"
PROOF: Final = "proof.txt"
CHECKPOINT: Final = "checkpoint"


def write_evidence(bundle: Bundle, positions: Collection[int], folder: Path, *, seen: Sequence[Note] = ()) -> int:
    """Write `<position>.row.json` and `<position>.proof.txt` (C2SP tlog-proof) for each position; returns how many rows were found.

    Beside them `checkpoint`, as the export has it, and `seen-<number>.checkpoint`, in the order in which they were named. A row without a proof,
    since the tiles are broken there, is written alone. Raises `BundleError` where there is something already.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise BundleError(f"{folder} exists already.", advice="Name a folder that does not.") from error
    (folder / CHECKPOINT).write_text(bundle.note.document, encoding="utf-8")
    for number, note in enumerate(seen, 1):
        (folder / f"seen-{number}.{CHECKPOINT}").write_text(note.document, encoding="utf-8")
    tree, found = TiledTree(bundle.head.size, bundle.tile), 0
    for position, line in _rows(bundle, positions):
        found += 1
        (folder / f"{position}.{ROW}").write_bytes(line)
        try:
            proof = ProofFile(position, tree.inclusion(position), bundle.note.document)
        except ProofError:
            continue
        (folder / f"{position}.{PROOF}").write_text(proof.text, encoding="utf-8")
    return found


def _rows(bundle: Bundle, positions: Collection[int]) -> Iterator[tuple[int, bytes]]:
    wanted = set(positions)
    with (bundle.folder / ROWS).open("rb") as file:
        for line in file:
            try:
                position = row_of(line).position
            except BundleError:
                continue
            if position in wanted:
                yield position, line
