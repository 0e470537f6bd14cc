"""What other units said that they had seen of the hub's ledger, where this unit's own view does not reach yet.

Invariant: of one unit and one shard only the newest few wait, so that nobody's claims push out another's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, select

from adapters.storage.ledger_tables import LEDGER_GOSSIP
from adapters.storage.upsert import upsert
from contracts.names import UnitId

_WAITING: Final = 16


@dataclass(frozen=True, slots=True)
class Claim:
    """A unit's word, in a message that it signed: a shard's ledger of `size` entries had this root."""

    shard: int
    author: UnitId
    size: int
    root: bytes
    evidence: bytes
    """The message as it was signed (DSSE envelope)."""


class Gossip:
    """Claims that wait, over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def wait(self, claim: Claim, *, at: datetime) -> None:
        """Keep a claim until the ledger has been seen that far."""
        row = {"shard": claim.shard, "author": claim.author, "size": claim.size, "root": claim.root}
        upsert(self._connection, LEDGER_GOSSIP, [row | {"evidence": claim.evidence, "heard_at": at}])
        of_author = (LEDGER_GOSSIP.c.shard == claim.shard) & (LEDGER_GOSSIP.c.author == claim.author)
        heard = select(LEDGER_GOSSIP.c.heard_at).where(of_author).order_by(LEDGER_GOSSIP.c.heard_at.desc())
        oldest = self._connection.execute(heard.offset(_WAITING).limit(1)).scalar_one_or_none()
        if oldest is not None:
            self._connection.execute(delete(LEDGER_GOSSIP).where(of_author & (LEDGER_GOSSIP.c.heard_at <= oldest)))

    def take(self, shard: int, *, up_to: int) -> Sequence[Claim]:
        """Those that can be compared now; they wait no longer."""
        ripe = (LEDGER_GOSSIP.c.shard == shard) & (LEDGER_GOSSIP.c.size <= up_to)
        rows = self._connection.execute(select(LEDGER_GOSSIP).where(ripe).order_by(LEDGER_GOSSIP.c.size)).all()
        if rows:
            self._connection.execute(delete(LEDGER_GOSSIP).where(ripe))
        return [Claim(row.shard, UnitId(row.author), row.size, row.root, row.evidence) for row in rows]
