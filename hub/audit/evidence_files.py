"""What an auditor hands on of a violation: the row as the hub stored it, and the proof that the hub's ledger vouches for it there.

Invariant: whoever has the ledger's key can check both without the export: the row's leaf hash leads by the proof to the signed checkpoint.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from contracts.ledger.proof_file import ProofFile
from contracts.ledger.tiles import TiledTree
from contracts.merkle import ProofError
from hub.audit.bundle import ROWS, Bundle, BundleError, row_of

ROW: Final = "row.json"
PROOF: Final = "proof.txt"


def write_evidence(bundle: Bundle, positions: Collection[int], folder: Path) -> int:
    """Write `<position>.row.json` and `<position>.proof.txt` (C2SP tlog-proof) for each position; returns how many rows were found.

    A row without a proof, since the tiles are broken there, is written alone. Raises `BundleError` where there is something already.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise BundleError(f"{folder} exists already.", advice="Name a folder that does not.") from error
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
