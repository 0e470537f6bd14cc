"""Units that speak to the hub under test as no adapter would, and read what it gives them.

Invariants: every record on the units' feeds is judged as it comes; what was sent is remembered with the key and bytes under which it went.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from aiokafka.structs import TopicPartition

from adapters.conformance.chain import Chain
from adapters.conformance.hub_units import UNITS
from adapters.conformance.report import Report
from adapters.conformance.voice import Spoken, Voice
from adapters.conformance.wire import INBOX, Line, feed_of
from contracts.facts import Facts
from contracts.kafka_record import Headers, to_headers
from contracts.keys import SigningKey
from contracts.names import MessageId, UnitId
from contracts.partition import partition_of
from contracts.receipt import Receipt
from contracts.signed_bytes import SignedBytes
from contracts.trust_list import Directory
from projections.kafka.batch_producer import OutgoingRecord
from projections.kafka.positions import RawRecord


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it went."""

    id: MessageId
    unit: UnitId
    key: str
    sequence: int
    signed: SignedBytes


class ScriptedUnits:
    """Enter it to have them connected."""

    def __init__(
        self,
        line: Line,
        directory: Directory,
        keys: Mapping[UnitId, SigningKey],
        report: Report,
        *,
        patience: float,
    ) -> None:
        listed = directory.listed
        self.directory = directory
        self.report = report
        self.patience = patience
        self.voices = {unit: Voice(unit, listed.programme, keys[unit]) for unit in UNITS}
        self.chains = {unit: Chain(listed.programme, unit) for unit in UNITS}
        places = [TopicPartition(feed_of(unit), shard) for unit in UNITS for shard in range(listed.shards)]
        self._wire = line.wire(followed=places, heard=self._heard)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(self, *parts: object) -> None:
        await self._wire.__aexit__(*parts)

    async def say(self, unit: UnitId, facts: Facts, **attributes: object) -> Sent:
        """Compose, sign, send."""
        return await self.send(unit, self.voices[unit].compose(facts, **attributes))  # type: ignore[arg-type] # passed on as they are

    async def send(self, unit: UnitId, spoken: Spoken, *, signed: SignedBytes | None = None) -> Sent:
        """Send what was composed, signed singly unless it is given signed."""
        bytes_ = signed or self.voices[unit].sign(spoken.payload)
        await self.put(spoken.key, bytes_)
        return Sent(spoken.id, unit, spoken.key, spoken.sequence, bytes_)

    async def send_with(self, unit: UnitId, spoken: Spoken, *beside: tuple[str, bytes]) -> Sent:
        """Send what was composed with headers beside those that it must have."""
        signed = self.voices[unit].sign(spoken.payload)
        await self.put(spoken.key, signed, headers=(*to_headers(signed), *beside))
        return Sent(spoken.id, unit, spoken.key, spoken.sequence, signed)

    async def again(self, sent: Sent) -> None:
        """The same bytes once more."""
        await self.put(sent.key, sent.signed)

    async def put(
        self, key: str, signed: SignedBytes, *, headers: Headers | None = None, partition: int | None = None
    ) -> None:
        """A record on the inbox, whatever it is worth."""
        await self.put_raw(key, signed.payload, to_headers(signed) if headers is None else headers, partition=partition)

    async def put_raw(self, key: str, value: bytes | None, headers: Headers, *, partition: int | None = None) -> None:
        """Any value under any headers."""
        where = partition_of(key, self.directory.listed.partitions) if partition is None else partition
        await self._wire.put(OutgoingRecord(INBOX, where, key.encode(), value, tuple(headers)))

    def receipts(self, sent: Sent) -> list[Receipt]:
        """The answers to a message, in order."""
        return [
            one
            for one in self.chains[sent.unit].receipts
            if one.id == sent.id and one.digest == sent.signed.digest.hex()
        ]

    async def answer(self, sent: Sent) -> Receipt | None:
        """The answer to a message; None where none came in time, which breaks HUB-1."""
        came = await self.until(lambda: self.receipts(sent))
        self.report.judge("HUB-1", holds=came, else_=f"message {sent.id} was not answered")
        return self.receipts(sent)[-1] if came else None

    async def expect(self, requirement: str, sent: Sent, code: str | None, *, why: str) -> Receipt | None:
        """The answer must be this: a refusal's code, or None for accepted."""
        receipt = await self.answer(sent)
        if receipt is not None:
            said = receipt.code
            self.report.judge(
                requirement, holds=said == code, else_=f"{why}: {said or 'accepted'} instead of {code or 'accepted'}"
            )
        return receipt

    async def until(self, condition: Callable[[], object], *, within: float | None = None) -> bool:
        """Wait for what the feeds bring."""
        return await self._wire.until(condition, within=self.patience if within is None else within)

    def _heard(self, record: RawRecord) -> None:
        unit = UnitId(record.topic.removeprefix("feed."))
        judged = self.chains[unit].judge(record.value or b"", self.directory)
        if judged.verdict in {"refused", "gap"}:
            self.report.broken("HUB-13", f"on the feed of {unit}, offset {record.offset}: {judged.fault}")
        elif judged.verdict == "head":
            self.report.held("HUB-16")
        elif judged.verdict not in {"receipt", "release"}:
            self.report.held("HUB-13")
