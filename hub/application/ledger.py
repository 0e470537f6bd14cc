"""The ledger: a Merkle tree over the shard's log, as static tiles and signed checkpoints, a step behind the log.

Invariants: the index of an entry is its position; tiles are written before the checkpoint that vouches for them, so a crash in between repeats a
write of the same bytes; a ledger goes on only from a checkpoint of its own whose root its tiles have, and only where the log still holds what the
last entry says: a log that is shorter or another than its ledger is an alarm, never mended here.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Protocol

from contracts.ledger import checkpoint, signed_note
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.entry import LENGTH, entry_of, leaf_of
from contracts.ledger.frontier import Frontier
from contracts.ledger.signed_note import Note, NoteError, NoteSigner
from contracts.ledger.tiles import WIDTH, Tile, TiledTree, bundle_path, tiles_of
from contracts.merkle import HASH_LENGTH, leaf_hash, root
from hub.application.ports import HubError

CHUNK: Final = 4096
"""Entries that one step adds at most."""
_BUNDLED: Final = LENGTH.to_bytes(2, "big")


class LedgerError(HubError):
    """Ledger and log do not fit: history was rewritten, or one of them was restored without the other."""


class StoredStates(Protocol):
    """The log as bytes."""

    def states(self, position: int, *, limit: int) -> Sequence[bytes]:
        """The stored states from a position on, in order."""


class TileStore(Protocol):
    """Where the files of a ledger lie."""

    def read(self, path: str) -> bytes | None:
        """A file, None where there is none."""

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place, whole or not at all, durable when this returns."""


class Ledger:
    """The ledger of one shard. Not thread-safe, and one process writes it."""

    def __init__(self, log: StoredStates, files: TileStore, signer: NoteSigner) -> None:
        self._log = log
        self._files = files
        self._signer = signer
        self._tree = Frontier()
        self._tails: list[bytes] = []
        """Per level the hashes of the tile that is not full yet, joined."""
        self._bundle = b""

    @property
    def size(self) -> int:
        """Entries that the last checkpoint vouches for."""
        return self._tree.size

    def open(self) -> Checkpoint | None:
        """Go on from the last checkpoint. Raises `LedgerError` where it, the tiles and the log do not fit."""
        raw = self._files.read("checkpoint")
        if raw is None:
            return None
        head = self._own(raw)
        tree = TiledTree(head.size, self._tile)
        if head.origin != self._signer.name or tree.root != head.root:
            raise LedgerError(
                f"The tiles of {head.origin} do not have the root of its checkpoint.",
                advice="Restore the ledger's folder from a copy; witnesses and auditors hold its checkpoints.",
            )
        self._load(head.size)
        self._check_last(head.size)
        return head

    def _own(self, raw: bytes) -> Checkpoint:
        try:
            note = signed_note.parse(raw.decode())
            signed_note.verified(note, [self._signer.key])
            return checkpoint.parse(note.text)
        except (NoteError, UnicodeDecodeError) as error:
            raise LedgerError(
                f"The checkpoint of {self._signer.name} is not one that this ledger's key signed.",
                advice="Restore the ledger's folder and the hub's keys from a copy before anything is added.",
            ) from error

    def step(self) -> int:
        """Add what the log has beyond the ledger, and sign a checkpoint; returns how many entries came."""
        states = self._log.states(self.size, limit=CHUNK)
        if not states:
            return 0
        before = self._tree.size
        digests = [sha256(state).digest() for state in states]
        leaves = [leaf_of(before + number, digest) for number, digest in enumerate(digests)]
        for number, (leaf, digest) in enumerate(zip(leaves, digests, strict=True), start=before):
            self._bundle += _BUNDLED + entry_of(number, digest)
            if (number + 1) % WIDTH == 0:
                self._files.write(bundle_path(number // WIDTH), self._bundle)
                self._bundle = b""
            self._append(leaf, number)
        self._tree = self._tree.extended(leaves)
        self._write_partial(before)
        self._publish()
        return len(states)

    def _append(self, leaf: bytes, number: int) -> None:
        """A leaf into its tile; what becomes full is written, and its root goes one level up."""
        node, level, index = leaf, 0, number
        while True:
            if level == len(self._tails):
                self._tails.append(b"")
            self._tails[level] += node
            if (index + 1) % WIDTH:
                return
            full = self._tails[level]
            self._files.write(Tile(level, index // WIDTH).path, full)
            self._tails[level] = b""
            node, level, index = root(_hashes(full)), level + 1, index // WIDTH

    def _write_partial(self, before: int) -> None:
        for tile in tiles_of(self._tree.size, before=before):
            if tile.width < WIDTH:
                self._files.write(tile.path, self._tails[tile.level])
        width = self._tree.size % WIDTH
        if width:
            self._files.write(bundle_path(self._tree.size // WIDTH, width), self._bundle)

    def _publish(self) -> None:
        head = Checkpoint(self._signer.name, self._tree.size, self._tree.root)
        note: Note = signed_note.sign(head.text, [self._signer])
        self._files.write("checkpoint", note.document.encode())

    def _tile(self, tile: Tile) -> bytes:
        found = self._files.read(tile.path)
        if found is None:
            raise LedgerError(
                f"{tile.path} is missing.", advice="Restore the ledger's folder from a copy before anything is added."
            )
        return found

    def _load(self, size: int) -> None:
        tree = TiledTree(size, self._tile)
        self._tree = Frontier(size, tree.subtrees)
        self._tails = []
        rest = size
        while rest:
            width = rest % WIDTH
            level = len(self._tails)
            self._tails.append(self._tile(Tile(level, rest // WIDTH, width)) if width else b"")
            rest //= WIDTH
        width = size % WIDTH
        self._bundle = self._entries(bundle_path(size // WIDTH, width), self._tails[0]) if width else b""

    def _entries(self, path: str, leaves: bytes) -> bytes:
        """The bundle that is not full yet. Raises `LedgerError` where it does not hold the entries of its tile."""
        found, step = self._files.read(path) or b"", len(_BUNDLED) + LENGTH
        entries = [found[at : at + step].removeprefix(_BUNDLED) for at in range(0, len(found), step)]
        if b"".join(leaf_hash(entry) for entry in entries) != leaves:
            raise LedgerError(
                f"{path} does not hold what the tiles say.",
                advice="Restore the ledger's folder from a copy before anything is added.",
            )
        return found

    def _check_last(self, size: int) -> None:
        if not size:
            return
        states = self._log.states(size - 1, limit=1)
        leaf = TiledTree(size, self._tile).leaf(size - 1)
        if not states or leaf_hash(entry_of(size - 1, sha256(states[0]).digest())) != leaf:
            raise LedgerError(
                f"The log does not hold what its ledger says stands at {size - 1}.",
                advice="Where the database was restored from a backup: `spojka-hub restore begin`. Where not, it was rewritten: find out by whom.",
            )


def _hashes(joined: bytes) -> list[bytes]:
    return [joined[at : at + HASH_LENGTH] for at in range(0, len(joined), HASH_LENGTH)]
