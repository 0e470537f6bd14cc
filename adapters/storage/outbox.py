"""What this unit has signed and the hub has not yet answered.

Invariants: messages of one record key are sent in the order of their numbers, none is skipped; live goes before bulk; at most 512 are without receipt
at a time; a resend is the same bytes; a message leaves only by a receipt, and its signed bytes stay; while a restored unit waits for
what it published before (see `recovery`), nothing about a client is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, bindparam, exists, func, not_, or_, select, update

from adapters.storage.key_starts import is_key, start_of, starts
from adapters.storage.many_rows import Columns, Same, among, insert_rows, one_of_keys
from adapters.storage.recovery import RECOVERY
from adapters.storage.signed_batches import InBatch, SignedBatches
from adapters.storage.tables import OUTBOX, RENUMBERING
from contracts.names import MessageId, RecordKey
from contracts.signed_bytes import SignedBytes

MAX_IN_FLIGHT: Final = 512
"""Messages without receipt, per adapter (DESIGN section 5)."""


class Lane(IntEnum):
    """What goes first."""

    LIVE = 0
    BULK = 1


class OutboxState(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    REPLACED = "replaced"
    """Refused for its number or its id, and sent again under new ones."""


class Queued(NamedTuple):
    """A signed message on its way into the outbox."""

    message_id: MessageId
    record_key: RecordKey
    sequence: int
    signed: SignedBytes | InBatch
    lane: Lane = Lane.LIVE
    deposit: bytes | None = None
    """The value of the header `spojka-key`, where the message deposits a key."""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message in the outbox; `partition`, `offset` and `incarnation` are those of its last send."""

    order: int
    message_id: MessageId
    record_key: RecordKey
    sequence: int
    signed: SignedBytes
    lane: Lane
    state: OutboxState
    queued_at: datetime
    attempts: int
    sent_at: datetime | None
    partition: int | None
    offset: int | None
    incarnation: str | None
    replacement: MessageId | None = None
    """Of a replaced message: the one made again in its place, None while that is still to be done."""
    deposit: bytes | None = None
    """As of `Queued`; gone once the hub has answered."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One message as the broker acknowledged it."""

    message_id: MessageId
    partition: int
    offset: int
    incarnation: str


_OPEN: Final = or_(*(OUTBOX.c.state == state.value for state in (OutboxState.WAITING, OutboxState.SENT)))
"""Not IN: SQLAlchemy cannot expand it for many rows at once."""
_ANSWERED: Final = (OutboxState.ACCEPTED.value, OutboxState.REFUSED.value)

# Made once: the publisher asks these with every few messages, and to make them costs several times what they cost the database.
_ABOUT_NOBODY: Final = OUTBOX.c.record_key.startswith("urn:")
_MAY_GO: Final = (
    (OUTBOX.c.state == OutboxState.WAITING.value)
    & not_(OUTBOX.c.record_key.in_(select(RENUMBERING.c.record_key)))
    & or_(_ABOUT_NOBODY, not_(exists().select_from(RECOVERY)))
)
_NEXT: Final = select(OUTBOX).where(_MAY_GO).order_by(OUTBOX.c.lane, OUTBOX.c.order).limit(bindparam("most"))
_IN_FLIGHT: Final = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.state == OutboxState.SENT.value)
_OF_IDS: Final = select(OUTBOX).where(one_of_keys(OUTBOX.c.message_id))
_BEHIND: Final = (OUTBOX.c.state == OutboxState.WAITING.value) & (OUTBOX.c.lane != int(Lane.LIVE))
_OF_KEYS: Final = one_of_keys(start_of(OUTBOX.c.record_key), "starts") & one_of_keys(OUTBOX.c.record_key)
_PROMOTE: Final = update(OUTBOX).where(_BEHIND & _OF_KEYS).values(lane=bindparam("live", int(Lane.LIVE)))
_MARK_SENT: Final = (
    update(OUTBOX)
    .where((OUTBOX.c.message_id == bindparam("of")) & _OPEN)
    .values(
        state=OutboxState.SENT.value,
        sent_at=bindparam("at"),
        attempts=OUTBOX.c.attempts + 1,
        partition=bindparam("to_partition"),
        offset=bindparam("to_offset"),
        incarnation=bindparam("to_incarnation"),
    )
)


class Outbox:
    """The outbox over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._batches = SignedBatches(connection)

    def put(self, messages: Sequence[Queued], *, at: datetime) -> None:
        """Queue signed messages in the order given. A live one takes what waits of its key along, so that order holds."""
        if not messages:
            return
        columns: Columns = {
            "message_id": [one.message_id for one in messages],
            "record_key": [one.record_key for one in messages],
            "sequence": [one.sequence for one in messages],
            "lane": [int(one.lane) for one in messages],
            "state": Same(OutboxState.WAITING.value),
            "queued_at": Same(at),
            "attempts": Same(0),
            "deposit": [one.deposit for one in messages],
            **self._batches.write([one.signed for one in messages]),
        }
        insert_rows(self._connection, OUTBOX, columns)
        self._promote({one.record_key for one in messages if one.lane is Lane.LIVE})

    def _promote(self, keys: set[RecordKey]) -> None:
        if not keys:
            return
        self._connection.execute(_PROMOTE, {"keys": sorted(keys), "starts": starts(sorted(keys))})

    def next_to_send(self, limit: int, *, under_way: Sequence[MessageId] = ()) -> Sequence[OutboxMessage]:
        """Never sent yet, in the order in which they may go; fewer than `limit` when too many are without receipt.

        Those `under_way` were sent, which is not written here yet.
        """
        free = min(limit, MAX_IN_FLIGHT - self.in_flight() - len(under_way))
        if free < 1:
            return ()
        statement = _NEXT
        if under_way:
            statement = _NEXT.where(not_(among(OUTBOX.c.message_id, under_way)))
        return self._read(statement, most=free)

    def in_flight(self) -> int:
        """Sent and without receipt."""
        return self._connection.execute(_IN_FLIGHT).scalar_one()

    def mark_sent(self, sendings: Sequence[Sending], *, at: datetime) -> None:
        """The broker has them (again). What has a receipt by now stays as it is."""
        if not sendings:
            return
        rows = [
            {
                "of": one.message_id,
                "at": at,
                "to_partition": one.partition,
                "to_offset": one.offset,
                "to_incarnation": one.incarnation,
            }
            for one in sendings
        ]
        self._connection.execute(_MARK_SENT, rows)

    def open_messages(self) -> Sequence[OutboxMessage]:
        """Sent and without receipt, the oldest first: at most `MAX_IN_FLIGHT`."""
        sent = select(OUTBOX).where(OUTBOX.c.state == OutboxState.SENT.value)
        return self._read(sent.order_by(OUTBOX.c.order))

    def answered(self, since: datetime, *, after: int, limit: int) -> Sequence[OutboxMessage]:
        """Written since then and answered, in their order behind `after`."""
        chosen = OUTBOX.c.state.in_(_ANSWERED) & (OUTBOX.c.queued_at >= since) & (OUTBOX.c.order > after)
        return self._read(select(OUTBOX).where(chosen).order_by(OUTBOX.c.order).limit(limit))

    def find(self, message_id: MessageId) -> OutboxMessage | None:
        """One message, whatever became of it."""
        found = self._read(select(OUTBOX).where(OUTBOX.c.message_id == message_id))
        return found[0] if found else None

    def find_all(self, message_ids: Sequence[MessageId]) -> Sequence[OutboxMessage]:
        """Those of these messages that are here."""
        return self._read(_OF_IDS, keys=message_ids)

    def of_key(self, key: RecordKey, states: Sequence[OutboxState]) -> Sequence[OutboxMessage]:
        """The messages of a record key in these states, in their order."""
        chosen = is_key(OUTBOX.c.record_key, key) & OUTBOX.c.state.in_([state.value for state in states])
        return self._read(select(OUTBOX).where(chosen).order_by(OUTBOX.c.order))

    def number_taken(self, key: RecordKey, sequence: int) -> bool:
        """Whether a message that was never sent bears this number or a lower one."""
        unsent = is_key(OUTBOX.c.record_key, key) & (OUTBOX.c.state == OutboxState.WAITING.value)
        lowest = self._connection.execute(select(func.min(OUTBOX.c.sequence)).where(unsent)).scalar_one()
        return lowest is not None and lowest <= sequence

    def last_answered(self, key: RecordKey) -> int:
        """The highest number of this key that the hub has decided; 0 for none."""
        answered = is_key(OUTBOX.c.record_key, key) & OUTBOX.c.state.in_(_ANSWERED)
        return self._connection.execute(select(func.max(OUTBOX.c.sequence)).where(answered)).scalar_one() or 0

    def set_state(self, message_id: MessageId, state: OutboxState) -> None:
        """A receipt (or a replacement) decided what became of it; a key beside it is dropped once it need not go again."""
        self.set_states([message_id], state)

    def set_states(self, message_ids: Sequence[MessageId], state: OutboxState) -> None:
        """As `set_state`, of many."""
        values: dict[str, Any] = {"state": state.value}
        if state is not OutboxState.REPLACED:
            values["deposit"] = None
        chosen = among(OUTBOX.c.message_id, message_ids)
        self._connection.execute(update(OUTBOX).where(chosen).values(values))

    def to_remake(self) -> Sequence[OutboxMessage]:
        """Replaced messages in whose place nothing was made yet, in their order."""
        lacking = (OUTBOX.c.state == OutboxState.REPLACED.value) & OUTBOX.c.replacement.is_(None)
        return self._read(select(OUTBOX).where(lacking).order_by(OUTBOX.c.order))

    def replace(self, message_id: MessageId, replacement: MessageId) -> None:
        """Another message took its place."""
        row = update(OUTBOX).where(OUTBOX.c.message_id == message_id)
        gone = {"state": OutboxState.REPLACED.value, "replacement": replacement, "deposit": None}
        self._connection.execute(row.values(gone))

    def counts(self) -> Mapping[OutboxState, int]:
        """How many messages are in each state."""
        rows = self._connection.execute(select(OUTBOX.c.state, func.count()).group_by(OUTBOX.c.state))
        found = {OutboxState(state): count for state, count in rows}
        return {state: found.get(state, 0) for state in OutboxState}

    def _read(self, statement: Any, **values: object) -> list[OutboxMessage]:  # noqa: ANN401 - SQLAlchemy's select is generic in its columns
        rows = self._connection.execute(statement, values).all()
        return [_message(row, signed) for row, signed in zip(rows, self._batches.read(rows), strict=True)]


def _message(row: Row[Any], signed: SignedBytes) -> OutboxMessage:
    return OutboxMessage(
        order=row.order,
        message_id=MessageId(row.message_id),
        record_key=RecordKey(row.record_key),
        sequence=row.sequence,
        signed=signed,
        lane=Lane(row.lane),
        state=OutboxState(row.state),
        queued_at=row.queued_at,
        attempts=row.attempts,
        sent_at=row.sent_at,
        partition=row.partition,
        offset=row.offset,
        incarnation=row.incarnation,
        replacement=None if row.replacement is None else MessageId(row.replacement),
        deposit=row.deposit,
    )
