"""The programme of STORY.md in miniature: keys, a trust list, a hub over the memory store, and units that speak.

Deterministic but for key material: the clock stands where the test puts it, ids count up.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from contracts.categories import Category, Purpose
from contracts.dsse import to_envelope
from contracts.envelope import compose
from contracts.facts import Facts, SealedContent
from contracts.feed_record import FeedRecord, document, read
from contracts.kafka_record import to_headers
from contracts.keys import KeyUse, SigningKey
from contracts.messages.hub import TrustListPublished
from contracts.names import HUB, InstitutionId, KeyId, MessageId, ProgrammeId, Source, SubjectId, UnitId, source_of
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.receipt import Receipt
from contracts.signed_bytes import SignedBytes, sign_one
from contracts.trust_list import (
    Directory,
    InstitutionEntry,
    KeyEntry,
    MandateEntry,
    TrustList,
    UnitEntry,
    read_trust_list,
    sign_trust_list,
)
from hub.application.admission import without_key
from hub.application.feed_voice import FeedValue, FeedVoice
from hub.application.hub_voice import HubVoice
from hub.application.intake import Intake, Taken
from hub.application.programme import Programme, notice_name
from hub.application.relay import Relay
from hub.application.verification import Verifier
from hub.domain.shards import hub_key
from hub.infrastructure.memory_relay_store import MemoryRelayStore
from hub.infrastructure.memory_shard import MemoryShard
from hub.infrastructure.memory_store import MemoryWriterStore
from projections.kafka.positions import RawRecord

DECIN = ProgrammeId("decin")
PARTITIONS = 4
START = datetime(2026, 1, 1, tzinfo=UTC)
KAREL = SubjectId("r1." + "k" * 26)


@dataclass(slots=True)
class StoryClock:
    """Stands where it is put."""

    at: datetime = START

    def now(self) -> datetime:
        """The story's time."""
        return self.at


@dataclass(frozen=True, slots=True)
class UnitSpec:
    """What the operator decides about a unit."""

    name: str
    institution: str
    roles: tuple[str, ...] = ()
    secrecy: bool = False
    sanctions: bool = False
    mandates: tuple[MandateEntry, ...] = ()


STORY_UNITS = (
    UnitSpec("op", "poradna", ("advice",), secrecy=True),
    UnitSpec("up", "urad-prace", ("labour-office",), secrecy=True),
    UnitSpec("md", "mesto", ("social-work",), secrecy=True),
    UnitSpec("md-claims", "mesto", ("claims",), sanctions=True),
    UnitSpec("vz", "skola", ("training-provider",)),
)


@dataclass(slots=True)
class Unit:
    """A unit that signs and numbers like an adapter."""

    name: UnitId
    key: SigningKey
    source: Source
    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, key: str) -> int:
        """The next number under this record key."""
        self.numbers[key] = self.numbers.get(key, 0) + 1
        return self.numbers[key]


class Simulation:
    """A hub and its units. Say something with `say`, then look at `given`, `receipts`, `refused`."""

    def __init__(
        self,
        specs: tuple[UnitSpec, ...] = STORY_UNITS,
        *,
        trial: bool = True,
        store: MemoryShard | None = None,
        shards: int = 1,
    ) -> None:
        self.clock = StoryClock()
        self.shard = store or MemoryShard()
        self.root = SigningKey.generate(HUB, KeyUse.DIRECTORY)
        self.hub_key = SigningKey.generate(HUB, KeyUse.MESSAGES)
        self.feed_key = SigningKey.generate(HUB, KeyUse.DELIVERIES)
        self.units = {spec.name: _unit(spec.name) for spec in specs}
        self.signed_list = sign_trust_list(self._listed(specs, trial=trial, shards=shards), self.root)
        roots = {self.root.key_id: self.root.verifying_key}
        self.directory: Directory = read_trust_list(self.signed_list, before=None, roots=roots, at=START)
        self.programme = Programme(self.directory, roots, HubVoice(DECIN, self.hub_key))
        self.verifier = Verifier(shard=0, partitions=PARTITIONS)
        self.intake = self.new_intake()
        self.relay = self.new_relay()
        self.feeds: dict[UnitId, list[FeedRecord]] = {}
        self.offsets = dict.fromkeys(range(PARTITIONS), 0)
        self._ids = 0

    @property
    def hub_record_key(self) -> str:
        """Under which key the hub speaks about no subject."""
        return hub_key(0, partitions=PARTITIONS, shards=1)

    def new_intake(self) -> Intake:
        """A writer that takes over."""
        store = MemoryWriterStore(self.shard)
        intake = Intake(store, self.programme.caught_up(store), self.clock)
        intake.take_over()
        return intake

    def new_relay(self) -> Relay:
        """A relay that takes over."""
        relay = self.bare_relay()
        relay.take_over()
        return relay

    def bare_relay(self) -> Relay:
        """A relay that has not taken over yet."""
        return Relay(MemoryRelayStore(self.shard), self.programme, FeedVoice(DECIN, self.feed_key), self.clock)

    def publish_trust_list(self) -> None:
        """Bring the first list into the log."""
        envelope = to_envelope(self.signed_list, PayloadType.TRUST_LIST).decode()
        facts = TrustListPublished(version=1, digest=self.signed_list.digest.hex(), document=envelope)
        _, signed = self.programme.voice.say(facts, name=notice_name(facts), at=self.clock.now())
        (taken,) = self.take([self.record(signed, self.hub_record_key)])
        assert taken.counts.accepted == 1

    def next_id(self) -> MessageId:
        """A fresh message id."""
        self._ids += 1
        return MessageId(str(UUID(int=(7 << 76) | (2 << 62) | self._ids)))

    def message(  # noqa: PLR0913 - a message's attributes, by keyword
        self,
        unit: str,
        facts: Facts,
        *,
        category: Category | None = None,
        content: SealedContent | None = None,
        subject: SubjectId | None = KAREL,
        time: datetime | None = None,
        corrects: MessageId | None = None,
        purpose: Purpose | None = None,
        message_id: MessageId | None = None,
        sequence: int | None = None,
        checkpoint: str | None = None,
    ) -> tuple[MessageId, SignedBytes]:
        """A numbered, signed message of a unit, not sent."""
        name, payload = self.unsigned(
            unit,
            facts,
            category=category,
            content=content,
            subject=subject,
            time=time,
            corrects=corrects,
            purpose=purpose,
            message_id=message_id,
            sequence=sequence,
            checkpoint=checkpoint,
        )
        return name, sign_one(payload, self.units[unit].key, PayloadType.CLOUDEVENT)

    def unsigned(  # noqa: PLR0913 - a message's attributes, by keyword
        self,
        unit: str,
        facts: Facts,
        *,
        category: Category | None = None,
        content: SealedContent | None = None,
        subject: SubjectId | None = KAREL,
        time: datetime | None = None,
        corrects: MessageId | None = None,
        purpose: Purpose | None = None,
        message_id: MessageId | None = None,
        sequence: int | None = None,
        checkpoint: str | None = None,
    ) -> tuple[MessageId, bytes]:
        """A numbered message of a unit, neither signed nor sent."""
        speaker = self.units[unit]
        name = message_id or self.next_id()
        payload = compose(
            facts,
            id=name,
            source=speaker.source,
            time=time or self.clock.now(),
            programme=DECIN,
            sequence=sequence or speaker.number(subject or speaker.source),
            subject=subject,
            category=category,
            purpose=purpose,
            corrects=corrects,
            checkpoint=checkpoint,
            content=content,
        )
        return name, payload

    def record(self, signed: SignedBytes, key: str) -> RawRecord:
        """The record as the broker gives it."""
        partition = partition_of(key, PARTITIONS)
        offset = self.offsets[partition]
        self.offsets[partition] = offset + 1
        return RawRecord(
            "hub.inbox", partition, offset, "cluster-1", key.encode(), signed.payload, tuple(to_headers(signed)), 0
        )

    def take(self, records: list[RawRecord]) -> list[Taken]:
        """Verify, decide and commit like the writer process."""
        taken = []
        rest = records
        while rest:
            at = self.intake.now()
            checked = self.verifier.check_all(rest, self.intake.directory, at)
            taken.append(self.intake.take(checked, rest, at=at))
            rest = rest[taken[-1].consumed :]
        return taken

    def say(self, unit: str, facts: Facts, **attributes: object) -> MessageId:
        """Send one message and let the hub decide it."""
        name, signed = self.message(unit, facts, **attributes)  # type: ignore[arg-type] # passed on as they are
        subject = attributes.get("subject", KAREL)
        self.take([self.record(signed, str(subject) if subject else self.units[unit].source)])
        return name

    def relay_all(self) -> None:
        """Let the relay produce until nothing is left."""
        while (outgoing := self.relay.step()) is not None:
            self.keep(outgoing.values)
            self.relay.produced(outgoing)

    def report_all(self) -> int:
        """Let the log be told what was delivered; returns how many slots it was told."""
        told = 0
        while (report := self.relay.report()) is not None:
            self.take([self.record(report.signed, self.hub_record_key)])
            told += report.count
        return told

    def keep(self, values: tuple[FeedValue, ...] | list[FeedValue]) -> None:
        """Put records onto the feeds."""
        for value in values:
            self.feeds.setdefault(value.unit, []).append(read(value.value))

    def fire(self) -> None:
        """Let everything that is due happen."""
        while self.intake.fire():
            pass

    def move_to(self, at: datetime) -> None:
        """Go on in steps of a day at most, firing what is due."""
        while self.clock.at < at:
            self.clock.at = min(at, self.clock.at + timedelta(days=1))
            self.fire()
            self.relay_all()

    def receipt(self, unit: str, message_id: MessageId) -> Receipt:
        """The receipt of a message on its unit's feed."""
        found = [
            document(record.signed, Receipt) for record in self.feeds.get(UnitId(unit), []) if record.kind == "receipt"
        ]
        (receipt,) = [one for one in found if one.id == message_id]
        return receipt

    def receipts(self, unit: str, message_id: MessageId) -> list[Receipt]:
        """Every receipt for this id on the unit's feed, in order."""
        found = [
            document(record.signed, Receipt) for record in self.feeds.get(UnitId(unit), []) if record.kind == "receipt"
        ]
        return [one for one in found if one.id == message_id]

    def revoke(self, key_id: KeyId) -> None:
        """Publish the next list, without this key."""
        (taken,) = self.take([self.revocation(key_id)])
        assert taken.counts.accepted == 1

    def revocation(self, key_id: KeyId) -> RawRecord:
        """The record of the next list, without this key."""
        return self.next_list(without_key(self.intake.directory, key_id, at=self.clock.at))

    def next_list(self, listed: TrustList) -> RawRecord:
        """The record of a list that the root signs."""
        signed = sign_trust_list(listed, self.root)
        facts = TrustListPublished(
            version=listed.version,
            digest=signed.digest.hex(),
            document=to_envelope(signed, PayloadType.TRUST_LIST).decode(),
        )
        _, said = self.programme.voice.say(facts, name=notice_name(facts), at=self.clock.at)
        return self.record(said, self.hub_record_key)

    def given_to(self, message_id: MessageId) -> set[str]:
        """The units that were given a message, from the feeds."""
        return {
            unit
            for unit, records in self.feeds.items()
            for record in records
            if record.message is not None
            and record.kind == "delivery"
            and f'"id":"{message_id}"'.encode() in record.message.payload
        }

    def _listed(self, specs: tuple[UnitSpec, ...], *, trial: bool, shards: int) -> TrustList:
        until = START + timedelta(days=800)

        def entry(key: SigningKey) -> KeyEntry:
            return KeyEntry.of(key.verifying_key, valid_from=START, valid_until=until)

        return TrustList(
            programme=DECIN,
            version=1,
            issued_at=START,
            expires_at=until,
            trial=trial,
            time_zone="Europe/Prague",
            partitions=PARTITIONS,
            shards=shards,
            root_keys=(entry(self.root),),
            hub_keys=(entry(self.hub_key), entry(self.feed_key)),
            institutions=tuple(
                InstitutionEntry(institution=InstitutionId(name), name=name)
                for name in sorted({spec.institution for spec in specs})
            ),
            units=tuple(
                UnitEntry(
                    unit=UnitId(spec.name),
                    institution=InstitutionId(spec.institution),
                    name=spec.name,
                    roles=spec.roles,
                    bound_by_secrecy=spec.secrecy,
                    can_sanction=spec.sanctions,
                    keys=(entry(self.units[spec.name].key),),
                    mandates=spec.mandates,
                )
                for spec in specs
            ),
        )


def _unit(name: str) -> Unit:
    unit = UnitId(name)
    return Unit(unit, SigningKey.generate(unit, KeyUse.MESSAGES), source_of(DECIN, unit))
