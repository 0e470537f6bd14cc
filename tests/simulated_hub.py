"""A hub that signs what a unit reads, without a log or rules: a peer for adapters under test.

It delivers whatever it is told to deliver, keeps what it delivered, and can replay it, so that a test may lose, repeat and reorder its records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from contracts import feed_record
from contracts.categories import Category, Purpose
from contracts.codes import RefusalCode
from contracts.delivery import Delivery, first_link, next_link
from contracts.dsse import to_envelope
from contracts.envelope import compose, parse_attributes
from contracts.facts import Facts, SealedContent
from contracts.feed_head import FeedHead, InboxMark
from contracts.keys import KeyUse, SigningKey, VerifyingKey
from contracts.messages.need import NeedAssessed
from contracts.names import HUB, GroundId, InstitutionId, KeyId, MessageId, ProgrammeId, SubjectId, UnitId, source_of
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.sealing.content_key import ContentKey, KeyLabel
from contracts.sealing.release import Release, seal_release
from contracts.sealing.suites import OpeningKey, SuiteId
from contracts.signed_bytes import SignedBytes, sign_one
from contracts.trust_list import (
    Directory,
    InstitutionEntry,
    KeyEntry,
    TrustList,
    UnitEntry,
    digest_of,
    read_trust_list,
    sign_trust_list,
)

PROGRAMME = ProgrammeId("decin")
NOON = datetime(2026, 2, 9, 12, tzinfo=UTC)
SUBJECT = SubjectId("r1." + "a" * 26)
GROUND = GroundId("00000000-0000-4000-8000-000000000001")
FOR_EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


def message_id(number: int) -> MessageId:
    """A message id that a reader of a failing test recognises."""
    return MessageId(str(UUID(int=number, version=4)))


def _key(unit: UnitId, use: KeyUse, seed: int) -> SigningKey:
    return SigningKey(bytes([seed]) * 32, unit=unit, use=use)


def opening_key(unit: UnitId, seed: int) -> OpeningKey:
    """An encryption key pair of a unit, or of the hub's key service, made in no time."""
    return OpeningKey(bytes([seed]) * 32, unit=unit, suite=SuiteId.X25519)


@dataclass
class SimulatedHub:
    """Keys, a trust list and its units."""

    units: tuple[UnitId, ...] = (UnitId("op"), UnitId("up"))
    partitions: int = 4
    root: SigningKey = field(default_factory=lambda: _key(HUB, KeyUse.DIRECTORY, 1))
    receipts: SigningKey = field(default_factory=lambda: _key(HUB, KeyUse.RECEIPTS, 2))
    deliveries: SigningKey = field(default_factory=lambda: _key(HUB, KeyUse.DELIVERIES, 3))
    messages: SigningKey = field(default_factory=lambda: _key(HUB, KeyUse.MESSAGES, 4))

    releases: SigningKey = field(default_factory=lambda: _key(HUB, KeyUse.RELEASES, 5))

    unit_keys: dict[UnitId, SigningKey] = field(default_factory=dict)
    sealing: bool = False
    """The programme is no trial: its key service has a key, and so has each unit."""
    deposits: OpeningKey = field(default_factory=lambda: opening_key(HUB, 6))
    opening_keys: dict[UnitId, OpeningKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, unit in enumerate(self.units):
            self.unit_keys.setdefault(unit, _key(unit, KeyUse.MESSAGES, 10 + number))
            if self.sealing:
                self.opening_keys.setdefault(unit, opening_key(unit, 30 + number))
        self.versions: list[SignedBytes] = []
        self.publish_list()

    @property
    def roots(self) -> dict[KeyId, VerifyingKey]:
        """What enrolment gives an adapter."""
        return {self.root.key_id: self.root.verifying_key}

    def entry(self, key: SigningKey) -> KeyEntry:
        """A key as the trust list has it."""
        return KeyEntry.of(key.verifying_key, valid_from=FOR_EVER[0], valid_until=FOR_EVER[1])

    def sealing_entry(self, key: OpeningKey, *, since: datetime = FOR_EVER[0]) -> KeyEntry:
        """An encryption key as the trust list has it."""
        return KeyEntry.of_encryption(key.sealing_key, valid_from=since, valid_until=FOR_EVER[1])

    def _hub_keys(self) -> tuple[KeyEntry, ...]:
        signing = tuple(self.entry(key) for key in (self.receipts, self.deliveries, self.messages, self.releases))
        return (*signing, self.sealing_entry(self.deposits)) if self.sealing else signing

    def _unit_keys(self, unit: UnitId) -> tuple[KeyEntry, ...]:
        opening = self.opening_keys.get(unit)
        return (self.entry(self.unit_keys[unit]), *([] if opening is None else [self.sealing_entry(opening)]))

    def listed(self, **changes: object) -> TrustList:
        """The next version of the list."""
        values: dict[str, object] = {
            "programme": PROGRAMME,
            "version": len(self.versions) + 1,
            "previous": digest_of(self.versions[-1]) if self.versions else None,
            "issued_at": NOON,
            "expires_at": FOR_EVER[1],
            "trial": not self.sealing,
            "time_zone": "Europe/Prague",
            "partitions": self.partitions,
            "root_keys": (self.entry(self.root),),
            "hub_keys": self._hub_keys(),
            "institutions": (InstitutionEntry(institution=InstitutionId("all"), name="All of them"),),
            "units": tuple(
                UnitEntry(unit=unit, institution=InstitutionId("all"), name=unit, keys=self._unit_keys(unit))
                for unit in self.unit_keys
            ),
        }
        return TrustList.model_validate(values | changes)

    def publish_list(self, **changes: object) -> bytes:
        """Sign the next version; returns its envelope."""
        self.versions.append(sign_trust_list(self.listed(**changes), self.root))
        return self.envelopes[-1]

    @property
    def envelopes(self) -> list[bytes]:
        """Every version, as it lies on `hub.directory`."""
        return [to_envelope(one, PayloadType.TRUST_LIST) for one in self.versions]

    @property
    def directory(self) -> Directory:
        """The newest list."""
        found: Directory | None = None
        for signed in self.versions:
            found = read_trust_list(signed, before=found, roots=self.roots, at=NOON)
        if found is None:
            raise AssertionError("the first list is published at the start")
        return found

    def message_of(  # noqa: PLR0913 - all by keyword
        self,
        unit: UnitId,
        number: int,
        *,
        facts: Facts | None = None,
        subject: SubjectId | None = SUBJECT,
        category: Category | None = Category.HOUSING,
        purpose: Purpose | None = None,
        key: SigningKey | None = None,
        content: SealedContent | None = None,
        checkpoint: str | None = None,
    ) -> SignedBytes:
        """A signed message of a unit (or of the hub)."""
        raw = compose(
            facts or NeedAssessed(dimension=Category.HOUSING, instrument="interview", level="high"),
            id=message_id(number),
            source=source_of(PROGRAMME, unit),
            time=NOON,
            programme=PROGRAMME,
            sequence=number,
            subject=subject,
            category=category,
            purpose=purpose,
            content=content,
            checkpoint=checkpoint,
        )
        signing = key or (self.messages if unit == HUB else self.unit_keys[unit])
        return sign_one(raw, signing, PayloadType.CLOUDEVENT)


class SimulatedFeed:
    """One unit's feed of one shard and generation."""

    def __init__(self, hub: SimulatedHub, unit: UnitId, *, shard: int = 0, generation: int = 1) -> None:
        self.hub = hub
        self.unit = unit
        self.shard = shard
        self.generation = generation
        self.link = first_link(programme=PROGRAMME, recipient=unit, shard=shard, generation=generation)
        self.slots: list[bytes] = []
        self.given: list[SignedBytes] = []

    def deliver(self, message: SignedBytes, *, withheld: bool = False, beside: SignedBytes | None = None) -> bytes:
        """The next slot; `beside` puts another message there than the one that is named."""
        self.given.append(message)
        sequence = len(self.given)
        self.link = next_link(
            self.link, recipient=self.unit, sequence=sequence, position=100 + sequence, digest=message.digest
        )
        subject = parse_attributes(message.payload)[0].subject
        delivery = Delivery(
            programme=PROGRAMME,
            recipient=self.unit,
            shard=self.shard,
            generation=self.generation,
            sequence=sequence,
            link=self.link.hex(),
            position=100 + sequence,
            ground_id=GROUND,
            subject=subject,
            digest=message.digest.hex(),
            verdict="withheld" if withheld else "given",
        )
        record = self._signed(delivery, self.hub.deliveries, PayloadType.DELIVERY)
        text = None if withheld else to_envelope(beside or message, PayloadType.CLOUDEVENT)
        self.slots.append(feed_record.write("delivery", record, text))
        return self.slots[-1]

    def replay(self, from_sequence: int) -> list[bytes]:
        """Every slot from there on."""
        return self.slots[from_sequence - 1 :]

    def head(self, *, made_at: datetime = NOON, inbox: tuple[InboxMark, ...] = ()) -> bytes:
        """How far the feed goes now."""
        head = FeedHead(
            programme=PROGRAMME,
            recipient=self.unit,
            shard=self.shard,
            generation=self.generation,
            sequence=len(self.given),
            link=self.link.hex(),
            inbox=inbox,
            time=made_at,
            trust_list=len(self.hub.versions),
        )
        return feed_record.write("head", self._signed(head, self.hub.deliveries, PayloadType.FEED_HEAD))

    def receipt(self, message: SignedBytes, *, code: RefusalCode | None = None, position: int = 7) -> bytes:
        """The hub's answer to a message of this unit."""
        attributes, _ = parse_attributes(message.payload)
        receipt = Receipt(
            programme=PROGRAMME,
            source=attributes.source,
            id=attributes.id,
            digest=message.digest.hex(),
            verdict="accepted" if code is None else "refused",
            code=code,
            shard=self.shard,
            generation=self.generation,
            position=position,
            recorded=NOON + timedelta(seconds=1),
            trust_list=len(self.hub.versions),
        )
        return feed_record.write("receipt", self._signed(receipt, self.hub.receipts, PayloadType.RECEIPT))

    def release(  # noqa: PLR0913 - all by keyword
        self,
        label: KeyLabel,
        key: ContentKey,
        *,
        secret: bytes | None = None,
        message_id: MessageId | None = None,
        to: OpeningKey | None = None,
        recipient: UnitId | None = None,
    ) -> bytes:
        """A content key for this unit, or with `message_id` the key of one message in its place."""
        opening = to or self.hub.opening_keys[self.unit]
        draft = Release(
            programme=PROGRAMME,
            recipient=recipient or self.unit,
            author=label.author,
            subject=label.subject,
            scope=label.scope,
            epoch=label.epoch,
            key_id=key.key_id,
            message_id=message_id,
            shard=self.shard,
            position=100,
            ground_id=GROUND,
            to=opening.key_id,
            sealed="AA==",
        )
        release = seal_release(draft, secret or key.secret, opening.sealing_key)
        return feed_record.write("release", self._signed(release, self.hub.releases, PayloadType.RELEASE))

    def given_back(self, message: SignedBytes) -> bytes:
        """A message of this unit's own, beside its receipt, as a replay brings it."""
        receipt = self.receipt(message)
        return receipt[:-1] + b',"message":' + to_envelope(message, PayloadType.CLOUDEVENT) + b"}"

    @staticmethod
    def _signed(document: Delivery | FeedHead | Receipt | Release, key: SigningKey, payload_type: PayloadType) -> bytes:
        return to_envelope(sign_one(feed_record.payload_of(document), key, payload_type), payload_type)


def signed_list(listed: TrustList, root: SigningKey) -> bytes:
    """A trust list under whatever key, as it would lie on the topic."""
    return to_envelope(sign_trust_list(listed, root), PayloadType.TRUST_LIST)
