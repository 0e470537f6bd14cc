"""Events and rows for the tests of the stores, with only what matters to a test named in it."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from contracts.categories import Category, Purpose
from contracts.codes import DeadLetterReason, RefusalCode
from contracts.names import GroundId, KeyId, MessageId, MessageType, ProgrammeId, RecordKey, Source, UnitId
from hub.application.ports import BackfillRow, Commit, DeadLetter, DeliveryRow, Head, Indexed, Parked, Timer
from hub.domain.events import Basis, Given, MessageAccepted, MessageRefused, Outline, StoredMessage, StreamKind
from hub.infrastructure.key_encryption import KekSet, LocalKeyEncryption
from hub.infrastructure.postgres.log_keys import LogKeys
from hub.infrastructure.postgres.mapper import EventMapper
from projections.kafka.positions import InputPosition

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
JANA = RecordKey("r1." + "j" * 26)
PETR = RecordKey("r1." + "p" * 26)
OFFICE = Source("urn:spojka:demo:labour-office")
ADVICE, SHELTER = UnitId("debt-advice"), UnitId("shelter")
GROUND = GroundId("0b9bd2a6-6d4a-4f0e-9d1a-3d5c7f0a1b2c")
BASIS = Basis(gate=1, grounds_position=3, trust_list=2, settings=1)
_KEKS = KekSet.fresh("log-kek-1")


def sealing_mapper() -> EventMapper:
    """As a process of the hub has it, remembering nothing that another learnt."""
    return EventMapper(LogKeys(LocalKeyEncryption(lambda: _KEKS)))


def accepted(  # noqa: PLR0913 - only what matters is named
    key: RecordKey = JANA,
    *,
    stream: UUID | None = None,
    version: int = 1,
    kind: StreamKind = "path",
    payload: bytes = b'{"specversion":"1.0"}',
    category: Category | None = None,
    at: datetime = NOON,
) -> MessageAccepted:
    """An event of a message, whatever its bytes say; with `category` of an entry, which an erasure may cover."""
    message = StoredMessage(
        payload=payload, key_id=KeyId("labour-office/messages/0123456789abcdef"), signature=b"\xff" * 64
    )
    return MessageAccepted(
        originator_id=stream or uuid4(),
        originator_version=version,
        key=key,
        at=at,
        stream=kind,
        stream_key="",
        message=message,
        basis=BASIS,
        recipients=(Given(unit=ADVICE, ground=GROUND),),
        outline=None if category is None else _outline(payload, category),
    )


def _outline(payload: bytes, category: Category) -> Outline:
    return Outline(
        message_id=message_id(7),
        source=OFFICE,
        type=MessageType("eu.spojka.need.assessed.v1"),
        time=NOON,
        programme=ProgrammeId("demo"),
        sequence=7,
        category=category,
        purpose=Purpose.SUPPORT,
        digest=sha256(payload).digest(),
    )


def refused(key: RecordKey, *, stream: UUID, version: int) -> MessageRefused:
    return MessageRefused(
        originator_id=stream,
        originator_version=version,
        key=key,
        at=NOON,
        source=OFFICE,
        message_id=message_id(99),
        type="eu.spojka.need.assessed.v1",
        sequence=7,
        digest=sha256(b"refused").digest(),
        code=RefusalCode.INVALID_DATA,
        basis=BASIS,
        stream="path" if key.startswith("r1.") else "notice",
    )


def message_id(number: int) -> MessageId:
    return MessageId(str(UUID(int=number)))


def indexed(number: int, *, position: int = 0) -> Indexed:
    return Indexed(OFFICE, message_id(number), sha256(str(number).encode()).digest(), position)


def read_up_to(offset: int, *, partition: int = 0) -> InputPosition:
    return InputPosition("hub.inbox", partition, offset, "cluster-a", b"f" * 32)


def timer(number: int, *, minutes: int) -> Timer:
    return Timer(UUID(int=number), NOON + timedelta(minutes=minutes), JANA, 0, "consent-expiry", GROUND)


def parked(number: int, key: RecordKey = JANA) -> Parked:
    headers = (("od\udce9", b"\x00"), ("dsse-sig", b"\xff"))
    return Parked(key, OFFICE, message_id(number), "hub.inbox", 0, 40 + number, b"value", headers, "fault\0with zero")


def dead_letter(offset: int) -> DeadLetter:
    headers = (("nul\0name", b""), ("dsse-sig", b"x"))
    digest = sha256(b"junk").digest()
    return DeadLetter(
        "hub.inbox", 0, offset, "cluster-a", DeadLetterReason.INVALID_ENVELOPE, b"\xff", headers, b"junk", digest, 4
    )


def delivery(
    unit: UnitId, sequence: int, *, position: int, withheld: bool = False, signed: bytes = b"{}"
) -> DeliveryRow:
    link = sha256(f"{unit} {sequence}".encode()).digest()
    return DeliveryRow(
        unit, sequence, link, position, JANA, GROUND, sha256(b"m").digest(), withheld=withheld, signed=signed
    )


def backfill(ordered_at: int, *, after: int = -1, through: int = 9) -> BackfillRow:
    return BackfillRow(ordered_at, ADVICE, GROUND, SHELTER, JANA, after, through)


def events_commit(count: int, *, head: Head, key: RecordKey = JANA) -> Commit:
    """A batch as intake writes it: one stream, every message in the index, the input position behind it."""
    stream = uuid4()
    return Commit(
        at=NOON,
        events=[accepted(key, stream=stream, version=number) for number in range(1, count + 1)],
        indexed=[indexed(head.position + n + 1, position=head.position + n) for n in range(count)],
        inputs=[read_up_to(head.position + count)],
    )
