"""The stock path: the same intake as the two libraries' documentation shows it, with their defaults.

FastStream subscriber, one message a call, default parser and decoder → Ed25519 → pydantic → the client's aggregate from the event-sourcing library's
repository → its event → one commit with tracking. The broker's offset is committed by the client in the background, FastStream's default; the one
that counts is the tracking. `cached` keeps aggregates in the library's own memory, which it offers and does not switch on.

`bare_save_rate` is less than that job: no broker, nothing loaded, every message into one aggregate that is in memory already.

Run as a process, `python -m tests.benchmarks.stock_path BOOTSTRAP GROUP PUBLIC_KEY_HEX KEY_ID COUNT`, with the library's settings in the
environment, it prints messages a second.
"""

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, ProcessingEvent
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.system import ProcessApplication
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from contracts.envelope import Message, parse
from contracts.kafka_record import from_record
from contracts.keys import VerifyingKey
from contracts.names import KeyId
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes, verify

CACHED = {"AGGREGATE_CACHE_MAXSIZE": "20000", "AGGREGATE_CACHE_FASTFORWARD": "n"}
"""The library's settings for a memory as large as the hub's; nobody else writes, so nothing need be looked up again."""


class Path(Aggregate):
    """A support path in the library's declarative style."""

    @event("Opened")
    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.messages = 0

    @classmethod
    def create_id(cls, subject: str) -> UUID:
        """A client's aggregate is found by the client's name."""
        return uuid5(NAMESPACE_URL, f"/paths/{subject}")

    @event("Recorded")
    def record(self, payload: str, key_id: str, signature: str) -> None:
        """Keep one signed message."""
        del payload, key_id, signature  # they stand in the event
        self.messages += 1


class StockIntake(ProcessApplication[UUID]):
    """Saves each message with its position, as the library's documentation shows."""

    name = "stock"

    def take(self, signed: SignedBytes, message: Message, tracking: Tracking) -> None:
        """One message into its client's aggregate, in one transaction with how far the inbox was read."""
        path = self._path(message.key)
        path.record(signed.payload.decode(), signed.key_id, signed.signature.hex())
        self.commit(path, tracking)

    def commit(self, path: Path, tracking: Tracking) -> None:
        """As the library's `process_event` does with what its policy collected."""
        processing: ProcessingEvent[UUID] = ProcessingEvent(tracking=tracking)
        processing.collect_events(path)
        self._record(processing)

    def _path(self, subject: str) -> Path:
        try:
            return self.repository.get(Path.create_id(subject))
        except AggregateNotFoundError:
            return Path(subject)


async def _consume(bootstrap: str, group: str, key: VerifyingKey, count: int) -> float:
    """Messages a second, from the first one's arrival to the last one's commit."""
    application, loop, done = StockIntake(os.environ), asyncio.get_running_loop(), asyncio.Event()
    times: list[float] = []
    broker = KafkaBroker(bootstrap, logger=None)  # else two lines a message: the hub writes none

    @broker.subscriber("hub.inbox", group_id=group, auto_offset_reset="earliest")
    def take(message: KafkaMessage) -> None:
        if len(times) > count:
            return
        if not times:
            times.append(time.monotonic())
        record = message.raw_message
        assert not isinstance(record, tuple)  # what a batch would be
        signed = from_record(record.value, record.headers)
        verify(signed, key, PayloadType.CLOUDEVENT)
        tracking = Tracking(f"{record.topic}-{record.partition}", record.offset + 1)
        application.take(signed, parse(signed.payload), tracking)
        times.append(time.monotonic())
        if len(times) > count:
            loop.call_soon_threadsafe(done.set)

    async with broker:
        await broker.start()
        await done.wait()
    application.close()
    return count / (times[-1] - times[0])


def bare_save_rate(messages: Sequence[SignedBytes], key: VerifyingKey, *, settings: Mapping[str, str]) -> float:
    """Messages a second, one after the other into one aggregate."""
    application = StockIntake(settings)
    started = time.monotonic()
    path = Path("everybody")
    for number, signed in enumerate(messages, 1):
        verify(signed, key, PayloadType.CLOUDEVENT)
        parse(signed.payload)
        path.record(signed.payload.decode(), signed.key_id, signed.signature.hex())
        application.commit(path, Tracking("inbox", number))
    application.close()
    return len(messages) / (time.monotonic() - started)


def main() -> None:
    """Run the stock path once."""
    bootstrap, group, public_key, key_id, count = sys.argv[1:]
    key = VerifyingKey(bytes.fromhex(public_key), KeyId(key_id))
    print(asyncio.run(_consume(bootstrap, group, key, int(count))))  # noqa: T201 - the figure is this process's answer


if __name__ == "__main__":
    main()
