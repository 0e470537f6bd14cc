"""What other units' messages say of the hub's ledger, against what this unit has seen: two who were shown different heads find out by themselves.

Invariants: only a message whose author's signature held is listened to; a claim about what was not seen here yet waits until it is; one that differs
rings once for its author while that alarm is open. It is a unit's word, not the hub's signature: nothing stops because of it.
"""

from base64 import b64decode
from datetime import datetime

from adapters.storage.alarms import AlarmKind
from adapters.storage.gossip import Claim
from adapters.storage.unit_store import Transaction
from contracts.dsse import to_envelope
from contracts.envelope import Attributes
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.stretch import joined
from contracts.merkle import ProofError
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes


def hear(tx: Transaction, said: Attributes, signed: SignedBytes, *, at: datetime) -> None:
    """Compare what a verified message says, now or once this unit has seen as much."""
    if said.checkpoint is None:
        return
    shard, size, root = said.checkpoint.split(":")
    last = tx.ledger.last(int(shard))
    if last is not None and tx.ledger.root(int(shard), int(size)) == b64decode(root):
        return
    evidence = to_envelope(signed, PayloadType.CLOUDEVENT)
    claim = Claim(int(shard), said.unit, int(size), b64decode(root), evidence)
    if last is None or claim.size > last.size:
        tx.gossip.wait(claim, at=at)
    else:
        _compare(tx, claim, last, at=at)


def settle(tx: Transaction, head: Checkpoint, *, shard: int, at: datetime) -> None:
    """The ledger has been seen up to `head`: compare what waited for it."""
    for claim in tx.gossip.take(shard, up_to=head.size):
        _compare(tx, claim, head, at=at)


def _compare(tx: Transaction, claim: Claim, last: Checkpoint, *, at: datetime) -> None:
    known = _root(tx, claim, last)
    if known is None or known == claim.root or _rings(tx, claim):
        return
    detail = f"{claim.author}: shard {claim.shard}, {claim.size} entries"
    evidence = f"{Checkpoint(last.origin, claim.size, known).text}\n".encode() + claim.evidence
    tx.alarms.ring(AlarmKind.LEDGER_SHOWN_DIFFERENTLY, detail=detail, evidence=evidence, at=at, shard=claim.shard)


def _root(tx: Transaction, claim: Claim, last: Checkpoint) -> bytes | None:
    """The root of that size in what was seen here: a checkpoint that came, or worked out of leaves; None where neither reaches back so far."""
    known = tx.ledger.root(claim.shard, claim.size)
    if known is not None:
        return known
    parts = tx.ledger.stretches(claim.shard, below=last.size)
    try:
        return joined(list(parts)).root(claim.size) if parts else None
    except ProofError:
        return None


def _rings(tx: Transaction, claim: Claim) -> bool:
    return any(
        one.kind is AlarmKind.LEDGER_SHOWN_DIFFERENTLY
        and one.shard == claim.shard
        and one.detail.startswith(f"{claim.author}:")
        for one in tx.alarms.open()
    )
