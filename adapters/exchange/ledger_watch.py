"""One unit as a witness of the hub's ledger: takes announcements, cosigns what follows, rings where something does not, proves its own messages.

Invariants: what was seen is stored before it is cosigned, in one transaction; while an alarm about a ledger is open nothing more of that ledger is
taken or cosigned; a message is proven only under a checkpoint that more than half of the units cosigned.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from adapters.exchange import ledger_gossip
from adapters.exchange.directory_book import DirectoryBook
from adapters.exchange.ledger_check import Behind, Forked, Grown, Rewound, Same, judge
from adapters.storage.alarms import OF_LEDGER, AlarmKind
from adapters.storage.suspicious import SuspiciousRecord
from adapters.storage.unit_store import Transaction
from contracts.dsse import to_envelope
from contracts.ledger.announcement import AnnouncementError, Sighting, read_announcement
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.listed_keys import is_enough, log_keys, witness_keys, witnessed_by
from contracts.ledger.signed_note import Note, NoteSigner
from contracts.ledger.stretch import joined
from contracts.names import UnitId
from contracts.pae import PayloadType
from contracts.trust_list import Directory
from projections.kafka.positions import RawRecord

UNPROVEN: Final = "ledger-unproven"
"""The reason under which an announcement that does not add up is kept apart."""


class LedgerWatch:
    """Works within the caller's transaction. `signer` gives the unit as it cosigns, None while the trust list does not know its witness key."""

    def __init__(self, *, unit: UnitId, book: DirectoryBook, signer: Callable[[], NoteSigner | None]) -> None:
        self._unit = unit
        self._book = book
        self._signer = signer

    def take(self, tx: Transaction, record: RawRecord, *, at: datetime) -> Sighting | None:
        """Take one announcement; what the ledger is to be told of it."""
        directory, shard = self._book.newest, record.partition
        keys = [] if directory is None else log_keys(directory, shard)
        if directory is None or not keys or _alarmed(tx, shard):
            return None
        last = tx.ledger.last(shard)
        try:
            announced = read_announcement(record.value or b"")
            verdict = judge(announced, keys=keys, last=last, seen=lambda size: tx.ledger.root(shard, size))
        except AnnouncementError:
            place = (record.topic, record.partition, record.offset)
            tx.suspicious.add(SuspiciousRecord(*place, UNPROVEN, record.value or b"", at))
            return None
        if isinstance(verdict, Grown):
            tx.ledger.keep(shard, verdict.head, verdict.note)
            if verdict.stretch.leaves:
                tx.ledger.add(shard, verdict.stretch, at=at)
            ledger_gossip.settle(tx, verdict.head, shard=shard, at=at)
        if isinstance(verdict, Grown | Same):
            return self._seen(tx, shard, verdict.note, verdict.head, directory=directory, at=at)
        if isinstance(verdict, Forked | Rewound) and last is not None:
            return self._ring(tx, verdict, record, last, at=at)
        return self._sighting(last, at=at, behind=True) if isinstance(verdict, Behind) and last is not None else None

    def prove(self, tx: Transaction, shard: int, *, at: datetime) -> int:
        """Prove what the newest witnessed checkpoint covers; returns how many messages."""
        witnessed = tx.ledger.witnessed(shard)
        owed = [] if witnessed is None else tx.proofs.owed(shard, below=witnessed.head.size)
        if witnessed is None or not owed:
            return 0
        size = witnessed.head.size
        parts = tx.ledger.stretches(shard, below=size)
        known = joined(list(parts)) if parts else None
        proven = 0
        for one in owed:
            if known is None or one.position < known.first:
                tx.proofs.lose(one.message_id)
            elif known.leaf(one.position) != one.leaf:
                receipt = tx.receipts.find(one.message_id)
                evidence = b"" if receipt is None else to_envelope(receipt, PayloadType.RECEIPT)
                detail = f"shard {shard}, position {one.position}"
                tx.alarms.ring(AlarmKind.RECEIPT_CONTRADICTED, detail=detail, evidence=evidence, at=at, shard=shard)
                tx.proofs.lose(one.message_id)
            else:
                tx.proofs.prove(one.message_id, size=size, path=known.inclusion(one.position, size))
                proven += 1
        return proven

    def _seen(  # noqa: PLR0913 - one checkpoint with all that it is judged by
        self, tx: Transaction, shard: int, note: Note, head: Checkpoint, *, directory: Directory, at: datetime
    ) -> Sighting | None:
        witnesses = witness_keys(directory, at)
        if is_enough(witnessed_by(note, witnesses), witnesses):
            tx.ledger.set_witnessed(shard, head, note)
            self.prove(tx, shard, at=at)
        tx.ledger.prune(shard, at=at)
        signer = self._signer()
        if signer is None or any(one.key_hash == signer.key.key_hash for one in note.signatures):
            return None
        return self._sighting(head, at=at)

    def _sighting(self, seen: Checkpoint, *, at: datetime, behind: bool = False) -> Sighting:
        signer = self._signer()
        line = None if signer is None else signer.sign(_text(seen), at=int(at.timestamp())).line.removesuffix("\n")
        return Sighting.about(seen, unit=self._unit, cosignature=line, behind=behind)

    def _ring(
        self, tx: Transaction, found: Forked | Rewound, record: RawRecord, last: Checkpoint, *, at: datetime
    ) -> Sighting:
        """Keep both sides: the checkpoint that was seen last, and the announcement that cannot follow from it."""
        kind = AlarmKind.LEDGER_FORKED if isinstance(found, Forked) else AlarmKind.LEDGER_REWOUND
        detail = f"shard {record.partition}: {found.head.size} after {last.size}"
        evidence = f"{last.text}\n".encode() + (record.value or b"")
        tx.alarms.ring(kind, detail=detail, evidence=evidence, at=at, shard=record.partition)
        return self._sighting(last, at=at)


def _alarmed(tx: Transaction, shard: int) -> bool:
    return any(one.kind in OF_LEDGER and one.shard == shard for one in tx.alarms.open())


def _text(seen: Checkpoint) -> str:
    return Checkpoint(seen.origin, seen.size, seen.root).text
