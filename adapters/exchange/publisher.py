"""Sends what is in the outbox, and sends again what the broker or the hub seems to have lost.

Invariants: of one subject nothing is sent before what precedes it was acknowledged by the broker; live goes before bulk; at most 512 messages are
without receipt; where the broker stored a message is written down after its acknowledgement and never before, so a crash in between costs a
repetition, never a message; what is new does not wait for that writing, since others write to the database too. A resend is the same bytes. Only
one publisher works on a unit's outbox.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from adapters.exchange.resend import Marks, Patience, lost, marks_of
from adapters.storage.outbox import OutboxMessage, Sending
from adapters.storage.unit_store import UnitStore
from contracts.kafka_record import to_headers
from contracts.names import MessageId
from contracts.partition import partition_of
from projections.kafka.batch_producer import OutgoingRecord, SentAt
from projections.kafka.errors import SendError, TransportError
from projections.process.clock import Clock

INBOX: Final = "hub.inbox"
_CHUNK: Final = 256
_LONGEST_SLEEP: Final = 5.0
_log = structlog.get_logger("spojka.publisher")


class Sender(Protocol):
    """What the publisher needs of `BatchProducer`."""

    async def send(self, records: Sequence[OutgoingRecord]) -> list[SentAt]:
        """Store all records in the order of the call, or raise `SendError` naming those that were not stored."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The outbox in one state."""

    open: int
    """How many messages wait for their receipt."""
    unwritten: int
    """How many of them the database does not know as sent."""
    at: tuple[str | None, Marks]
    waiting: Sequence[OutboxMessage]
    """Those messages, where some of them may have been lost."""
    fresh: Sequence[OutboxMessage]


class Publisher:
    """The publisher of one unit. `wake` it when the outbox, a head or a receipt is new; it looks by itself every few seconds."""

    def __init__(  # noqa: PLR0913 - all by keyword; four are needed
        self,
        *,
        store: UnitStore,
        sender: Sender,
        partitions: Callable[[], int | None],
        clock: Clock,
        patience: Patience | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._sender = sender
        self._partitions = partitions
        self._clock = clock
        self._patience = patience or Patience()
        self._monotonic = monotonic
        self._woken = asyncio.Event()
        self._incarnation: str | None = None
        self._looked_at: tuple[str | None, Marks] | None = None
        """The broker, and how far the hub had read, when nothing of what is open was lost."""
        self._failures = 0
        self._acknowledged: list[Sending] = []
        """What the broker stored and is not written down yet."""
        self._writing: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    def answered(self) -> None:
        """A receipt came."""
        self._patience.answered()
        self.wake()

    def broker_is(self, incarnation: str) -> None:
        """A reader sees this broker now: what another one had must go again."""
        if incarnation and incarnation != self._incarnation:
            self._incarnation = incarnation
            self.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; the broker's troubles make it pause, never end."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._woken.clear()
                pause = await self._round()
                waking = asyncio.create_task(self._woken.wait())
                await asyncio.wait({stopping, waking}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
        finally:
            stopping.cancel()
            await self._written_down()

    async def _round(self) -> float:
        """One round; returns for how many seconds to sleep at most."""
        try:
            while await self._send_next() >= _CHUNK:
                pass
            self._failures = 0
        except TransportError as error:
            self._failures += 1
            pause = min(0.1 * 2.0 ** min(self._failures, 6), _LONGEST_SLEEP)
            _log.warning("sending failed", exc_info=error, attempt=self._failures, seconds=pause)
            return pause
        left = self._patience.left(self._monotonic())
        return _LONGEST_SLEEP if left is None else min(left, _LONGEST_SLEEP)

    async def step(self) -> int:
        """Send again what is lost, else what is new, and write it down; returns how many messages the broker took. Raises `TransportError`."""
        try:
            return await self._send_next()
        finally:
            await self._written_down()

    async def _send_next(self) -> int:
        """As `step`, but what was sent is written down while it goes on."""
        partitions = self._partitions()
        if partitions is None:
            return 0
        if self._writing is not None and self._writing.done():
            self._writing.result()
        unwritten = [one.message_id for one in self._acknowledged]
        look = await asyncio.to_thread(self._look, self._patience.over(self._monotonic()), unwritten)
        again = self._again(look)
        try:
            return await self._send(again or look.fresh, partitions)
        finally:
            if again:  # a look before that would find it lost once more
                await self._written_down()
                self.wake()

    def _look(self, impatient: bool, unwritten: Sequence[MessageId]) -> _Look:  # noqa: FBT001 - handed over to a thread
        """The outbox in one state, in one hand-over to a thread. What waits for its receipt is read only where it may have been lost."""
        with self._store.read() as tx:
            open_ = tx.outbox.in_flight() + len(unwritten)
            marks = marks_of(kept.head for kept in tx.places.heads()) if open_ else {}
            looked_at = (self._incarnation, marks)
            unsure = open_ > 0 and (impatient or looked_at != self._looked_at)
            waiting = tx.outbox.open_messages() if unsure else ()
            fresh = tx.outbox.next_to_send(_CHUNK, under_way=unwritten)
            return _Look(open_, len(unwritten), looked_at, waiting, fresh)

    def _write_down_soon(self, sendings: Sequence[Sending]) -> None:
        self._acknowledged += sendings
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_down_all())

    async def _write_down_all(self) -> None:
        """In one transaction whatever came while the one before was written."""
        try:
            while self._acknowledged:
                some = tuple(self._acknowledged)
                await asyncio.to_thread(self._write_down, some)
                del self._acknowledged[: len(some)]
        except BaseException:
            self.wake()  # the next look raises it
            raise

    async def _written_down(self) -> None:
        if self._writing is not None:
            await self._writing

    def _write_down(self, sendings: Sequence[Sending]) -> None:
        with self._store.write(durable=False) as tx:  # what is forgotten is sent again
            tx.outbox.mark_sent(sendings, at=self._clock.now())

    def _again(self, look: _Look) -> Sequence[OutboxMessage]:
        """What must go again."""
        now = self._monotonic()
        if not look.open:
            self._patience.answered()
            return ()
        self._patience.waiting(now)
        incarnation, marks = look.at
        due = lost(look.waiting, incarnation=incarnation, marks=marks)
        if look.waiting and not due and not look.unwritten:
            self._looked_at = look.at
        if look.waiting and not due and self._patience.over(now):
            self._patience.sent_again(now)
            due = [look.waiting[0]]
        if due:
            _log.info("sending again", count=len(due), message_id=due[0].message_id)
        return due

    async def _send(self, messages: Sequence[OutboxMessage], partitions: int) -> int:
        if not messages:
            return 0
        records = [record_of(message, partitions) for message in messages]
        failure: SendError | None = None
        try:
            stored = dict(enumerate(await self._sender.send(records)))
        except SendError as error:
            stored, failure = error.sent, error
        sendings = [_sending(messages[index], at) for index, at in sorted(stored.items())]
        if sendings:
            self._write_down_soon(sendings)
            self._patience.waiting(self._monotonic())
            self.broker_is(sendings[-1].incarnation)
            if any(one.incarnation != self._incarnation for one in sendings):
                self._looked_at = None
        if failure is not None:
            raise failure
        return len(sendings)


def record_of(message: OutboxMessage, partitions: int) -> OutgoingRecord:
    """The record that carries a message, with the key beside it where it deposits one."""
    key = message.record_key.encode()
    headers = tuple(to_headers(message.signed, deposit=message.deposit))
    return OutgoingRecord(INBOX, partition_of(key, partitions), key, message.signed.payload, headers)


def _sending(message: OutboxMessage, at: SentAt) -> Sending:
    return Sending(message.message_id, at.partition, at.offset, at.incarnation)
