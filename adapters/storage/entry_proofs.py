"""The proofs that a unit keeps beside its own messages: where each stands in the hub's ledger, and the path that shows it.

Invariants: a proof is kept for good once it is there; it rests on a checkpoint that enough witnesses cosigned, whose note is kept with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, select, update

from adapters.storage.ledger_tables import ENTRY_PROOF
from adapters.storage.many_rows import Columns, Same, upsert_rows
from contracts.merkle import HASH_LENGTH
from contracts.names import MessageId
from contracts.receipt import Receipt


@dataclass(frozen=True, slots=True)
class EntryProof:
    """Where a message stands; `size` and `path` once it is proven under a checkpoint of that size."""

    message_id: MessageId
    shard: int
    position: int
    leaf: bytes
    size: int | None
    path: tuple[bytes, ...]
    lost: bool
    """The leaf hashes around it never came here: only the operator's files can prove it."""


class EntryProofs:
    """The proofs over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def owe(self, receipts: Sequence[Receipt]) -> None:
        """Receipts came: their places are to be proven. One without a leaf hash (of a hub without a ledger) proves nothing."""
        found = [one for one in receipts if one.leaf is not None]
        if not found:
            return
        columns: Columns = {
            "message_id": [one.id for one in found],
            "shard": [one.shard for one in found],
            "position": [one.position for one in found],
            "leaf": [bytes.fromhex(one.leaf or "") for one in found],
            "lost": Same(value=False),
        }
        upsert_rows(self._connection, ENTRY_PROOF, columns)

    def owed(self, shard: int, *, below: int) -> Sequence[EntryProof]:
        """What can be proven by a checkpoint of a size, in the order of the ledger."""
        chosen = (ENTRY_PROOF.c.shard == shard) & ENTRY_PROOF.c.size.is_(None) & ENTRY_PROOF.c.lost.is_(False)
        rows = select(ENTRY_PROOF).where(chosen & (ENTRY_PROOF.c.position < below)).order_by(ENTRY_PROOF.c.position)
        return [_proof(row) for row in self._connection.execute(rows)]

    def prove(self, message_id: MessageId, *, size: int, path: Sequence[bytes]) -> None:
        """It is proven."""
        row = update(ENTRY_PROOF).where(ENTRY_PROOF.c.message_id == message_id)
        self._connection.execute(row.values(size=size, path=b"".join(path)))

    def lose(self, message_id: MessageId) -> None:
        """It cannot be proven by what came here."""
        self._connection.execute(update(ENTRY_PROOF).where(ENTRY_PROOF.c.message_id == message_id).values(lost=True))

    def find(self, message_id: MessageId) -> EntryProof | None:
        """Where a message stands; None without a receipt that says so."""
        row = self._connection.execute(select(ENTRY_PROOF).where(ENTRY_PROOF.c.message_id == message_id)).one_or_none()
        return None if row is None else _proof(row)

    def counts(self) -> tuple[int, int]:
        """How many are proven, and how many are not yet."""
        proven = select(func.count()).select_from(ENTRY_PROOF).where(ENTRY_PROOF.c.size.is_not(None))
        total = self._connection.execute(select(func.count()).select_from(ENTRY_PROOF)).scalar_one()
        done = self._connection.execute(proven).scalar_one()
        return done, total - done


def _proof(row: Row[tuple[object, ...]]) -> EntryProof:
    path = row.path or b""
    hashes = tuple(path[at : at + HASH_LENGTH] for at in range(0, len(path), HASH_LENGTH))
    return EntryProof(MessageId(row.message_id), row.shard, row.position, row.leaf, row.size, hashes, row.lost)
