"""What the processes of the story stored, read once they are at rest: the hub's database and every unit's.

Invariants: read only; nothing here knows what the script meant to do.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import Row, select

from adapters.drafts import ClientKey
from adapters.process.showing import hidden_now
from adapters.process.unit_house import UnitHouse
from adapters.storage.held import HeldEntry
from adapters.storage.journal import Entry
from adapters.storage.obligations import KeptObligation
from adapters.storage.outbox import OutboxState
from adapters.storage.quarantine import QuarantineItem
from adapters.storage.tables import OUTBOX, QUARANTINE, RECEIPT
from contracts.dsse import from_envelope
from contracts.envelope import Message, parse
from contracts.names import MessageId, SubjectId, UnitId
from contracts.signed_bytes import SignedBytes
from contracts.trust_list import Directory
from hub.audit.verification import Report
from hub.domain.events import Event, MessageAccepted
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase

_CHUNK: Final = 1000
_DELIVERIES: Final = (
    "SELECT unit, generation, sequence, link, position, ground, digest, withheld, signed FROM delivery "
    "ORDER BY unit, generation, sequence"
)
_DEAD: Final = "SELECT reason, size FROM dead_letter ORDER BY at"


@dataclass(frozen=True, slots=True)
class Logged:
    """One event of the hub's log; `message` of an accepted one."""

    position: int
    event: Event
    message: Message | None


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot of a feed as the hub stored it."""

    unit: UnitId
    generation: int
    sequence: int
    link: bytes
    position: int
    ground: str | None
    digest: bytes
    withheld: bool
    envelope: bytes


@dataclass(frozen=True, slots=True)
class HubStores:
    """The hub's database."""

    log: Sequence[Logged]
    slots: Sequence[Slot]
    dead_letters: Sequence[str]
    """Reasons."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One row of an outbox, with its receipt where there is one."""

    message_id: MessageId
    state: OutboxState
    digest: str
    attempts: int
    incarnation: str | None
    receipt: SignedBytes | None


@dataclass(frozen=True, slots=True)
class UnitStores:
    """One unit's database."""

    unit: UnitId
    sent: Sequence[Sent]
    journal: Sequence[Entry]
    held: Sequence[HeldEntry]
    quarantine: Sequence[QuarantineItem]
    obligations: Sequence[KeptObligation]
    chain: tuple[int, bytes]
    """The last slot taken in, and its link."""
    suspicious: Mapping[str, int]
    karel: SubjectId | None
    others_hidden: str | None
    proofs: tuple[int, int]
    """Own messages whose place in the ledger is proven, and those of which it is not."""
    alarms: Sequence[str]


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything."""

    hub: HubStores
    units: Mapping[UnitId, UnitStores]
    directory: Directory
    zone: tzinfo
    karel: SubjectId
    observed: Mapping[str, Mapping[str, Any]]
    """What the faults observed, by name."""
    audit: Report
    """What an auditor finds in an export of the whole log."""


def read_hub(dsn: str, mapper: EventMapper) -> HubStores:
    """The log, the feeds and the dead letters."""
    database = ShardDatabase(dsn, 0)
    session = Session(database, name="story")
    reading = LogReading(session, mapper)
    log: list[Logged] = []
    while part := reading.read(len(log), limit=_CHUNK):
        log += [Logged(one.position, one.event, _message(one.event)) for one in part]
    session.close()
    with psycopg.connect(dsn, options=f"-c search_path={database.schema}") as connection:
        slots = [
            Slot(UnitId(row[0]), row[1], row[2], bytes(row[3]), row[4], row[5], bytes(row[6]), row[7], bytes(row[8]))
            for row in connection.execute(_DELIVERIES)
        ]
        dead = [str(row[0]) for row in connection.execute(_DEAD)]
    return HubStores(log, slots, dead)


def read_unit(house: UnitHouse, *, client: str) -> UnitStores:
    """One unit's tables; `client` is its case number of Karel, empty where it does not know him."""
    hidden = hidden_now(house)
    with house.store.read() as tx:
        joined = OUTBOX.outerjoin(RECEIPT, OUTBOX.c.message_id == RECEIPT.c.message_id)
        outbox = tx.connection.execute(select(OUTBOX, RECEIPT.c.envelope).select_from(joined)).all()
        numbers = tx.connection.execute(select(QUARANTINE.c.number).order_by(QUARANTINE.c.number)).scalars().all()
        tip = max(tx.places.chains(), key=lambda one: one.sequence, default=None)
        return UnitStores(
            unit=house.unit,
            sent=[_sent(row) for row in outbox],
            journal=tx.journal.since(0, limit=sys.maxsize),
            held=tx.held.all(),
            quarantine=[item for number in numbers if (item := tx.quarantine.find(number)) is not None],
            obligations=tx.obligations.all(),
            chain=(0, b"") if tip is None else (tip.sequence, tip.link),
            suspicious=tx.suspicious.counts(),
            karel=tx.clients.subject_of(ClientKey(client)) if client else None,
            others_hidden=None if hidden is None else hidden.value,
            proofs=tx.proofs.counts(),
            alarms=[one.kind.value for one in tx.alarms.open()],
        )


def read_observed(folder: Path) -> dict[str, Mapping[str, Any]]:
    """What the faults observed, by name."""
    return {
        path.stem.removeprefix("observed-"): json.loads(path.read_text())
        for path in sorted(folder.glob("observed-*.json"))
    }


def _message(event: Event) -> Message | None:
    return parse(event.message.payload) if isinstance(event, MessageAccepted) else None


def _sent(row: Row[Any]) -> Sent:
    return Sent(
        message_id=MessageId(row.message_id),
        state=OutboxState(row.state),
        digest=sha256(row.payload).hexdigest(),
        attempts=row.attempts,
        incarnation=row.incarnation,
        receipt=None if row.envelope is None else from_envelope(row.envelope)[0],
    )
