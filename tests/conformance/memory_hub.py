"""Our hub and its key service in memory, as the kit's units meet them on a line: what it does wrong is done to what it says.

The rules are the real ones (`SealedSimulation`); only the broker, the databases and the processes are left out.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from aiokafka.structs import TopicPartition

from adapters.conformance.hub_units import OUTSIDER, TARGET, UNITS
from adapters.conformance.wire import INBOX, feed_of
from contracts.codes import RefusalCode
from contracts.feed_record import FeedRecord, document, payload_of, read, write_signed
from contracts.names import HUB, UnitId
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.sealing.release import Release, open_release, seal_release
from contracts.signed_bytes import SignedBytes, sign_one
from hub.application.feed_voice import FeedValue
from projections.kafka.batch_producer import OutgoingRecord
from projections.kafka.positions import RawRecord
from tests.conformance.memory_line import MemoryLine, MemoryPeer
from tests.simulation.programme import PARTITIONS, UnitSpec
from tests.simulation.sealed import SealedSimulation

DEFECTS: Mapping[str, str] = {
    "clear-accepted": "HUB-17",
    "any-deposit": "HUB-18",
    "never-releases": "HUB-19",
    "releases-to-another-key": "HUB-19",
    "releases-to-everybody": "HUB-20",
    "releases-after-a-withdrawal": "HUB-21",
    "content-keys-for-the-past": "HUB-22",
    "releases-what-was-erased": "HUB-23",
}
"""Each mistake, and the requirement under which it is found."""
_FORGIVEN = {"clear-accepted": RefusalCode.CLEAR_NOT_ALLOWED, "any-deposit": RefusalCode.KEY_MISSING}


class MemoryHub(MemoryPeer, SealedSimulation):
    """Enter it to have it run on a line."""

    def __init__(self, line: MemoryLine, *, defect: str | None = None) -> None:
        self._line = line
        self._defect = defect
        self._kept: list[Release] = []
        self._came: asyncio.Queue[RawRecord] = asyncio.Queue()
        inbox = [TopicPartition(INBOX, number) for number in range(PARTITIONS)]
        self._wire = line.wire(followed=inbox, heard=self._came.put_nowait)
        super().__init__(tuple(UnitSpec(unit, "kit") for unit in UNITS), deposit_days=800)

    async def _run(self) -> None:
        while True:
            record = await self._came.get()
            self.clock.at = datetime.now(UTC)
            offset = self.offsets[record.partition]
            self.offsets[record.partition] = offset + 1
            self.take([record._replace(offset=offset)])
            self.relay_all()
            self.report_all()
            self.serve()
            self.tell()
            self.tell_erasures()
            self._wrongly(record)
            self.relay_all()

    def keep(self, values: tuple[FeedValue, ...] | list[FeedValue]) -> None:
        """Put them onto the feeds, refusals as the defect has them."""
        super().keep(values)
        for one in values:
            self._put(one.unit, self._forgiven(one.value))

    def serve(self) -> int:
        """What was released goes onto the feeds, as the defect has it."""
        before = {unit: len(given) for unit, given in self.produced.items()}
        count = super().serve()
        for unit, given in self.produced.items():
            for release in given[before.get(unit, 0) :]:
                self._kept.append(release)
                if self._defect != "never-releases":
                    self._release(release)
        return count

    def _release(self, release: Release) -> None:
        if self._defect == "content-keys-for-the-past" and release.message_id is not None:
            release = self._again(release.model_copy(update={"message_id": None}), self._content_of(release))
        if self._defect == "releases-to-another-key":
            release = release.model_copy(update={"sealed": "AAAA"})
        self._say(release)
        if self._defect == "releases-to-everybody" and release.recipient == TARGET:
            self._say(self._again(release.model_copy(update={"recipient": OUTSIDER}), self._content_of(release)))

    def _wrongly(self, record: RawRecord) -> None:
        """What nobody may be given any more, given all the same."""
        value = record.value or b""
        late = self._defect == "releases-after-a-withdrawal" and b"replay-requested" in value
        gone = self._defect == "releases-what-was-erased" and b'"epoch":3' in value
        if late or gone:
            for release in [one for one in self._kept if one.scope == "housing" and one.recipient == TARGET][:1]:
                self._say(release)

    def _content_of(self, release: Release) -> bytes:
        """The content key behind a release: of the whole, as its first recipient opened it."""
        whole = next(one for one in self._kept if one.key_id == release.key_id and one.message_id is None)
        return open_release(whole, self.encryption[whole.recipient])

    def _again(self, draft: Release, secret: bytes) -> Release:
        return seal_release(draft, secret, self.encryption[draft.recipient].sealing_key)

    def _say(self, release: Release) -> None:
        signed = sign_one(payload_of(release), self.releases_key, PayloadType.RELEASE)
        self._put(UnitId(release.recipient), write_signed(FeedRecord("release", signed)))

    def _forgiven(self, value: bytes) -> bytes:
        """A refusal that the defect does not know is an acceptance."""
        record = read(value)
        code = _FORGIVEN.get(self._defect or "")
        if record.kind != "receipt" or code is None:
            return value
        receipt = document(record.signed, Receipt)
        if receipt.code is not code:
            return value
        accepted = receipt.model_copy(update={"code": None, "verdict": "accepted"})
        signed: SignedBytes = sign_one(payload_of(accepted), self.feed_key, PayloadType.RECEIPT)
        return write_signed(FeedRecord("receipt", signed, record.message))

    def _put(self, unit: UnitId, value: bytes) -> None:
        self._line.put(OutgoingRecord(feed_of(unit), 0, HUB.encode(), value))
