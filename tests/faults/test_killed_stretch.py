"""What is written without waiting for the disk outlives SIGKILL, and comes again, to the same state, where a power cut took it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from adapters.exchange.publisher import Publisher
from adapters.storage.outbox import OutboxState, Queued
from contracts.envelope import parse_attributes
from contracts.names import MessageId, RecordKey
from projections.kafka.batch_producer import OutgoingRecord, SentAt
from tests.simulated_hub import NOON, SUBJECT
from tests.unit.adapters.reading_unit import OP, UP, ReadingUnit

GIVEN = 5
QUEUED = 3
KILL_BEHIND = """
import sys
from pathlib import Path
from tests.faults.test_killed_stretch import take_send_and_die
take_send_and_die(Path(sys.argv[1]))
"""


class _Broker:
    """Stores everything, and remembers what."""

    def __init__(self) -> None:
        self.log: list[OutgoingRecord] = []

    async def send(self, records: Sequence[OutgoingRecord]) -> list[SentAt]:
        self.log += records
        first = len(self.log) - len(records)
        return [SentAt(one.topic, one.partition, first + number, "first") for number, one in enumerate(records)]


def take(unit: ReadingUnit) -> int:
    """The same stretch each time; returns how many entries were new."""
    values = [unit.feed.deliver(unit.hub.message_of(OP, number)) for number in range(1, GIVEN + 1)]
    return unit.intake.take(unit.records(*values, unit.feed.head())).entries


def send(unit: ReadingUnit) -> list[bytes | None]:
    """What the publisher finds to send."""
    broker = _Broker()
    publisher = Publisher(store=unit.store, sender=broker, partitions=lambda: 1, clock=unit.clock)
    asyncio.run(publisher.step())
    return [one.value for one in broker.log]


def take_send_and_die(folder: Path) -> None:
    """In a process of its own: both writes, and no chance to put anything in order behind them."""
    unit = ReadingUnit(folder)
    take(unit)
    send(unit)
    os.kill(os.getpid(), signal.SIGKILL)


def queue(unit: ReadingUnit) -> list[bytes | None]:
    signed = [unit.hub.message_of(UP, 100 + number) for number in range(QUEUED)]
    with unit.store.write() as tx:
        key = RecordKey(SUBJECT)
        ids = [parse_attributes(one.payload)[0].id for one in signed]
        tx.outbox.put([Queued(ids[n], key, 100 + n, one) for n, one in enumerate(signed)], at=NOON)
    return [one.payload for one in signed]


def entries(unit: ReadingUnit) -> list[tuple[int, MessageId]]:
    with unit.store.read() as tx:
        return [(one.revision, one.message_id) for one in tx.journal.since(0, limit=100)]


def counts(unit: ReadingUnit) -> tuple[int, int]:
    with unit.store.read() as tx:
        found = tx.outbox.counts()
    return found[OutboxState.WAITING], found[OutboxState.SENT]


def test_neither_sigkill_nor_a_power_cut_costs_an_entry_or_a_message_or_doubles_one(tmp_path: Path) -> None:
    killed, dark = tmp_path / "killed", tmp_path / "dark"
    killed.mkdir()
    unit = ReadingUnit(killed)
    queued = queue(unit)
    unit.store.close()
    shutil.copytree(killed, dark)  # what a power cut leaves: all up to the last write that waited for the disk

    died = subprocess.run([sys.executable, "-c", KILL_BEHIND, str(killed)], check=False)
    assert died.returncode == -signal.SIGKILL
    after = ReadingUnit(killed)
    assert (after.read_up_to(), len(entries(after)), counts(after)) == (GIVEN + 1, GIVEN, (0, QUEUED))
    assert (take(after), send(after)) == (0, [])

    again = ReadingUnit(dark)
    assert (again.read_up_to(), entries(again), counts(again)) == (0, [], (QUEUED, 0))
    assert (take(again), send(again)) == (GIVEN, queued)
    assert (entries(again), counts(again)) == (entries(after), counts(after))
    after.store.close()
    again.store.close()
