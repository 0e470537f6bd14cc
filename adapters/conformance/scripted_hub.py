"""A hub that answers as it is told to, on a real or embedded broker, and keeps what the adapter under test sent.

Invariants: every record of the unit under test is judged as it arrives, whatever scene is being played; a message is answered accepted unless a scene
says otherwise; a replay is answered at once unless a scene holds it back.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from aiokafka.structs import TopicPartition

from adapters.conformance.cast import Cast
from adapters.conformance.inspection import Arrival, Inspection
from adapters.conformance.numbering import Numbering
from adapters.conformance.report import Report
from adapters.conformance.scripted_feed import ScriptedFeed, Slot
from adapters.conformance.sealed_inspection import SealedInspection
from adapters.conformance.wire import DIRECTORY, INBOX, LEDGER, WITNESS, Line, feed_of
from contracts.codes import RefusalCode
from contracts.dsse import to_envelope
from contracts.feed_head import InboxMark
from contracts.names import HUB, MessageId
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes
from projections.kafka.batch_producer import OutgoingRecord
from projections.kafka.positions import RawRecord

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub says to a message; `None` instead of it says nothing."""

    code: RefusalCode | None = None
    last: int | None = None


Policy = Callable[[Arrival], Answer | None]


def accept(_: Arrival) -> Answer:
    """The usual answer."""
    return Answer()


class ScriptedHub:
    """Enter it to have it listen; call `turn` often: it sends what is due."""

    def __init__(self, line: Line, cast: Cast, report: Report, *, patience: float) -> None:
        self.cast = cast
        self.report = report
        self.patience = patience
        self.feed = ScriptedFeed(cast)
        self.arrivals: list[Arrival] = []
        self.answered: dict[MessageId, Answer] = {}
        self.replays_open = True
        self._policy: Policy = accept
        self._inspection = Inspection(report, cast)
        self.numbering = Numbering(report)
        self.sealing = SealedInspection(report, cast) if cast.sealed else None
        self.sightings: list[RawRecord] = []
        self._first: dict[MessageId, Arrival] = {}
        self._marks: dict[int, InboxMark] = {}
        self._due: list[Arrival] = []
        inbox = [TopicPartition(INBOX, number) for number in range(cast.partitions)]
        inbox += [TopicPartition(WITNESS, 0)] if cast.sealed else []
        self._wire = line.wire(followed=inbox, heard=self._heard)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(self, *parts: object) -> None:
        await self._wire.__aexit__(*parts)

    @contextmanager
    def policy(self, policy: Policy) -> "Iterator[None]":
        """Answer otherwise for a while."""
        before, self._policy = self._policy, policy
        try:
            yield
        finally:
            self._policy = before

    @contextmanager
    def without_replays(self) -> "Iterator[None]":
        """Let requests for a replay wait for a while."""
        self.replays_open = False
        try:
            yield
        finally:
            self.replays_open = True

    async def until(self, condition: Callable[[], object], *, within: float | None = None) -> bool:
        """Go on answering until the condition holds; False when it did not in time."""
        deadline = datetime.now(UTC).timestamp() + (self.patience if within is None else within)
        while not condition():
            await self.turn()
            left = deadline - datetime.now(UTC).timestamp()
            if left <= 0:
                return bool(condition())
            await self._wire.until(lambda: bool(self._due) or bool(condition()), within=left)
        await self.turn()
        return True

    async def turn(self) -> None:
        """Answer what came."""
        while self._due:
            due, self._due = self._due, []
            for arrival in due:
                await self._answer(arrival)

    @property
    def topics(self) -> dict[str, int]:
        """What must be there, with its number of partitions."""
        ledger = {LEDGER: 1, WITNESS: 1} if self.cast.sealed else {}
        return {INBOX: self.cast.partitions, DIRECTORY: 1, feed_of(self.cast.unit): 1, **ledger}

    def broker_lost(self) -> None:
        """What was read of the inbox is nowhere any more."""
        self._marks.clear()

    async def lists(self, *signed: SignedBytes) -> None:
        """Publish trust lists."""
        await self._put(DIRECTORY, *[to_envelope(one, PayloadType.TRUST_LIST) for one in signed])

    async def give(self, *messages: SignedBytes) -> None:
        """Deliver messages in their slots."""
        await self.put(*[self.feed.record(self.feed.append(message)) for message in messages])

    async def put(self, *records: bytes) -> None:
        """Put records on the feed, whatever they are."""
        await self._put(feed_of(self.cast.unit), *records)

    async def head(self, *, ahead: Slot | None = None, blind: bool = False) -> None:
        """Tell how far the feed goes, and (unless `blind`) how far the inbox was read."""
        marks = () if blind else tuple(self._marks.values())
        await self.put(self.feed.head(marks, datetime.now(UTC), ahead=ahead))

    async def answer(self, arrival: Arrival, answer: Answer) -> None:
        """Answer a message."""
        self.answered[arrival.id] = answer
        await self.put(self.feed.receipt(arrival, datetime.now(UTC), code=answer.code, last=answer.last))

    def of(self, *names: str, since: int = 0) -> list[Arrival]:
        """What came of these types, first sendings and repetitions alike."""
        return [one for one in self.arrivals[since:] if one.name in names]

    def times(self, message_id: MessageId) -> int:
        """How often a message came."""
        return sum(one.id == message_id for one in self.arrivals)

    async def announce(self, *announcements: bytes) -> None:
        """Tell how the ledger grew."""
        await self._put(LEDGER, *announcements)

    def _heard(self, record: RawRecord) -> None:
        if record.topic == WITNESS:
            self.sightings.append(record)
            return
        mark = InboxMark(partition=record.partition, incarnation=record.incarnation, next_offset=record.offset + 1)
        self._marks[record.partition] = mark
        if record.key is not None and record.key.startswith(b"hub-"):
            return
        arrival = self._inspection.judge(record, datetime.now(UTC))
        if arrival is None:
            return
        new = self.numbering.judge(arrival)
        first = self._first.setdefault(arrival.id, arrival)
        if self.sealing is not None:
            self.sealing.judge(arrival) if new else self.sealing.again(first, arrival)
        self.arrivals.append(arrival)
        self._due.append(arrival)

    async def _answer(self, arrival: Arrival) -> None:
        before = self.answered.get(arrival.id)
        answer = before or self._policy(arrival)
        if answer is not None:
            await self.answer(arrival, answer)
        if arrival.name == "feed.replay-requested" and self.replays_open and before is None:
            await self.put(*self.feed.replay(int(arrival.facts.get("from_sequence", 1))))

    async def _put(self, topic: str, *values: bytes) -> None:
        await self._wire.put(*[OutgoingRecord(topic, 0, HUB.encode(), value) for value in values])
