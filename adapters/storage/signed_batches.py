"""Signatures of messages in the outbox: one alone stands in its row, what was signed together is kept once.

Invariants: what is read is bit for bit what was signed; a batch is written with the messages that name it, and never changes. A row without a batch
has a signature of its own, or, from before there was this table, key, signature and proof in its columns.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, bindparam, insert, select

from adapters.storage.many_rows import Columns
from adapters.storage.signed_columns import from_row, to_columns
from adapters.storage.tables import SIGNED_BATCH
from contracts.merkle import HASH_LENGTH
from contracts.names import KeyId
from contracts.signed_bytes import BatchProof, SignedBatch, SignedBytes, proofs_of

_COLUMNS: Final = ("payload", "key_id", "signature", "proof", "batch", "place")
_OF_NUMBERS: Final = select(SIGNED_BATCH).where(SIGNED_BATCH.c.number.in_(bindparam("numbers", expanding=True)))
_ADD: Final = insert(SIGNED_BATCH).returning(SIGNED_BATCH.c.number)


class InBatch(NamedTuple):
    """A payload and its place in the batch that it was signed in, from 0."""

    payload: bytes
    batch: SignedBatch
    place: int


class SignedBatches:
    """The batches over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, signed: Sequence[SignedBytes | InBatch]) -> Columns:
        """Keep the batches of these, each once; returns the columns of their messages."""
        batches = {id(one.batch): one.batch for one in signed if isinstance(one, InBatch)}
        numbers = {known: self._add(batch) for known, batch in batches.items()}
        rows = [
            (one.payload, None, None, None, numbers[id(one.batch)], one.place)
            if isinstance(one, InBatch)
            else (*to_columns(one).values(), None, None)
            for one in signed
        ]
        return dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))

    def _add(self, batch: SignedBatch) -> int:
        values = {"key_id": batch.key_id, "signature": batch.signature, "leaves": b"".join(batch.leaves)}
        return int(self._connection.execute(_ADD, values).scalar_one())

    def read(self, rows: Sequence[Row[Any]]) -> Sequence[SignedBytes]:
        """The signed bytes of messages' rows, in their order."""
        named = {row.batch for row in rows if row.batch is not None}
        batches = self._known(sorted(named)) if named else {}
        return [from_row(row) if row.batch is None else _member(row, batches[row.batch]) for row in rows]

    def _known(self, numbers: Sequence[int]) -> Mapping[int, Row[Any]]:
        return {row.number: row for row in self._connection.execute(_OF_NUMBERS, {"numbers": numbers})}


def _member(row: Row[Any], batch: Row[Any]) -> SignedBytes:
    return SignedBytes(row.payload, KeyId(batch.key_id), batch.signature, _proofs(batch.leaves)[row.place])


@lru_cache(maxsize=8)  # messages are read in the order in which they were signed
def _proofs(leaves: bytes) -> Sequence[BatchProof]:
    return proofs_of([leaves[start : start + HASH_LENGTH] for start in range(0, len(leaves), HASH_LENGTH)])
