"""What a person must look at before anything else: signs that the hub shows different people different things, or speaks for this unit.

Invariants: an alarm stays until a person dismisses it, over restarts too; the same evidence raises one alarm, once; the evidence is kept for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import structlog
from sqlalchemy import Connection, insert, select, update

from adapters.storage.ledger_tables import ALARM

_log = structlog.get_logger("spojka.alarm")


class AlarmKind(StrEnum):
    """What happened."""

    LEDGER_FORKED = "ledger-forked"
    """The hub signed for another history than it showed this unit before."""
    LEDGER_REWOUND = "ledger-rewound"
    """The hub signed a smaller ledger than one that this unit has seen."""
    LEDGER_SHOWN_DIFFERENTLY = "ledger-shown-differently"
    """Another unit says in its message that it saw another history than the hub showed this unit."""
    RECEIPT_CONTRADICTED = "receipt-contradicted"
    """The ledger holds something else where the hub's receipt says that this unit's message stands."""
    OWN_ENTRY_CHANGED = "own-entry-changed"
    """The trust list says something new about this unit: keys, roles, mandates, admission."""
    LIST_FORKED = "list-forked"
    """Another trust list under a number that is known."""


OF_LEDGER: frozenset[AlarmKind] = frozenset({AlarmKind.LEDGER_FORKED, AlarmKind.LEDGER_REWOUND})
"""After these the unit cosigns nothing of that ledger until a person has looked."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; `evidence` is what was signed, as it came."""

    number: int
    kind: AlarmKind
    shard: int | None
    detail: str
    evidence: bytes
    raised_at: datetime
    dismissed_at: datetime | None


class Alarms:
    """The alarms over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ring(self, kind: AlarmKind, *, detail: str, evidence: bytes, at: datetime, shard: int | None = None) -> bool:
        """Raise an alarm; False where the same evidence raised it before. `detail` is numbers and names of machines, nothing about a person."""
        digest = sha256(f"{kind}\n{shard}\n".encode() + evidence).hexdigest()
        known = select(ALARM.c.number).where(ALARM.c.digest == digest)
        if self._connection.execute(known).first() is not None:
            return False
        row = {"kind": kind.value, "shard": shard, "detail": detail, "evidence": evidence, "digest": digest}
        self._connection.execute(insert(ALARM).values(row | {"raised_at": at}))
        _log.error("alarm", kind=kind.value, shard=shard, detail=detail)
        return True

    def open(self) -> Sequence[Alarm]:
        """What nobody has dismissed, the oldest first."""
        return [one for one in self.all() if one.dismissed_at is None]

    def all(self) -> Sequence[Alarm]:
        """Every alarm there was."""
        rows = self._connection.execute(select(ALARM).order_by(ALARM.c.number))
        return [
            Alarm(
                row.number,
                AlarmKind(row.kind),
                row.shard,
                row.detail,
                row.evidence,
                row.raised_at,
                row.dismissed_at,
            )
            for row in rows
        ]

    def dismiss(self, number: int, *, at: datetime) -> None:
        """A person has looked."""
        chosen = (ALARM.c.number == number) & ALARM.c.dismissed_at.is_(None)
        self._connection.execute(update(ALARM).where(chosen).values(dismissed_at=at))
