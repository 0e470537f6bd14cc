"""A broker in memory for the kit: what is put lies there at once, for everybody who follows it. For peers that live in the test's own process."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Self

from aiokafka.structs import TopicPartition

from projections.kafka.batch_producer import OutgoingRecord
from projections.kafka.positions import RawRecord

Heard = Callable[[RawRecord], None]


class MemoryLine:
    """One broker; every wire of it sees what the others put."""

    def __init__(self) -> None:
        self._records: defaultdict[TopicPartition, list[RawRecord]] = defaultdict(list)
        self._wires: list[MemoryWire] = []

    def wire(self, *, followed: Iterable[TopicPartition], heard: Heard) -> "MemoryWire":
        wire = MemoryWire(self, frozenset(followed), heard)
        self._wires.append(wire)
        return wire

    async def make_topics(self, partitions: Mapping[str, int]) -> None:
        """They are there."""

    def put(self, record: OutgoingRecord) -> None:
        place = TopicPartition(record.topic, record.partition)
        offset = len(self._records[place])
        stored = RawRecord(
            record.topic, record.partition, offset, "memory", record.key, record.value, tuple(record.headers), 0
        )
        self._records[place].append(stored)
        for wire in self._wires:
            wire.hear(place, stored)

    def from_the_beginning(self, places: Iterable[TopicPartition]) -> list[RawRecord]:
        return [record for place in sorted(places) for record in self._records[place]]


class MemoryWire:
    """Enter it to hear what lies there and what comes."""

    def __init__(self, line: MemoryLine, followed: frozenset[TopicPartition], heard: Heard) -> None:
        self._line = line
        self._followed = followed
        self._heard = heard
        self._news = asyncio.Event()
        self._entered = False

    async def __aenter__(self) -> Self:
        self._entered = True
        for record in self._line.from_the_beginning(self._followed):
            self._heard(record)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._entered = False

    async def put(self, *records: OutgoingRecord) -> None:
        for record in records:
            self._line.put(record)
            await asyncio.sleep(0)  # let whoever was told act

    async def until(self, condition: Callable[[], object], *, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return bool(condition())
        return True

    def hear(self, place: TopicPartition, record: RawRecord) -> None:
        if self._entered and place in self._followed:
            self._heard(record)
            self._news.set()


class MemoryPeer(ABC):
    """Whoever lives on a line while it is entered: `_run` works on what its wire heard."""

    _wire: MemoryWire
    _running: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        await self._wire.__aexit__()

    @abstractmethod
    async def _run(self) -> None:
        """Until it is cancelled."""
