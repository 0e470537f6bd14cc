"""A small adapter in the test's own process, made of the contracts alone: it seals, deposits, opens, erases, cosigns. Each of its ways can be wrong.

Only what the kit's sealed play asks for is in it; it keeps nothing on a disk.
"""

import asyncio
import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from aiokafka.structs import TopicPartition
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.conformance.acts import Acts
from adapters.conformance.chain import Chain
from adapters.conformance.fresh_ids import fresh_id, fresh_subject
from adapters.conformance.voice import Spoken, Voice
from adapters.conformance.wire import DIRECTORY, INBOX, LEDGER, WITNESS
from contracts import feed_record, strict_json
from contracts.admission import AdmissionRequest, offer, offer_encryption, read_first_list
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import Message, parse, parse_attributes
from contracts.errors import ContractsError
from contracts.facts import Facts, Jwe, SealedContent
from contracts.grants import Grant, to_unit
from contracts.kafka_record import SEALED_KEY, to_headers
from contracts.keys import KeyUse, SigningKey, parse_key_id
from contracts.ledger.announcement import AnnouncementError, Sighting, read_announcement
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.listed_keys import witness_signer
from contracts.ledger.stretch import Stretch
from contracts.messages.consent import ConsentContent, ConsentExtended, ConsentGiven, ConsentNarrowed
from contracts.messages.hub import ObligationOpened
from contracts.messages.key import KeyDeposited
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.obligation import ObligationAnswered
from contracts.messages.referral import ReferralAccepted, ReferralContent, ReferralReceived, ReferralSent
from contracts.names import (
    HUB,
    GroundId,
    InstitutionId,
    MessageId,
    ObligationId,
    ProgrammeId,
    ReferralId,
    SubjectId,
    UnitId,
)
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.sealing.content_key import (
    PARTIES,
    ContentKey,
    KeyLabel,
    KeyMismatchError,
    checked,
    message_key_for,
)
from contracts.sealing.deposit import Deposit, Share, deposit, deposit_info
from contracts.sealing.jwe import open_sealed
from contracts.sealing.release import Release, open_release
from contracts.sealing.suites import EncryptionKeyError, OpeningKey, SealingKey
from contracts.signed_bytes import verify
from contracts.trust_list import TrustListError, read_envelope
from projections.kafka.batch_producer import OutgoingRecord
from projections.kafka.positions import RawRecord
from tests.conformance.memory_line import MemoryLine, MemoryPeer

UNIT = UnitId("vendor")
DEFECTS: Mapping[str, str] = {
    "content-in-clear": "SEAL-1",
    "text-in-a-header": "SEAL-1",
    "codes-in-clear": "SEAL-2",
    "drawn-key-ids": "SEAL-3",
    "header-with-a-type": "SEAL-4",
    "same-key-for-all-messages": "SEAL-5",
    "unpadded": "SEAL-6",
    "one-scope": "SEAL-7",
    "never-deposits": "KEY-1",
    "deposits-to-the-first-key": "KEY-2",
    "info-without-epoch": "KEY-3",
    "key-missing-ignored": "KEY-4",
    "own-changes-turn-nothing": "KEY-5",
    "changes-of-others-turn-nothing": "KEY-6",
    "early-keys-forgotten": "OPEN-1",
    "late-keys-forgotten": "OPEN-2",
    "message-keys-derived-from": "OPEN-3",
    "releases-by-any-key": "OPEN-4",
    "releases-for-anybody": "OPEN-4",
    "key-ids-unchecked": "OPEN-5",
    "header-unread": "OPEN-6",
    "tag-unchecked": "OPEN-6",
    "stops-at-bad-content": "OPEN-7",
    "text-kept": "ERASE-1",
    "keys-kept": "ERASE-2",
    "cosigns-nothing": "WIT-1",
    "cosigns-forks": "WIT-2",
    "cosigns-what-shrank": "WIT-2",
}
"""Each mistake, and the requirement under which it is found."""


class DirectActs(Acts):
    """What the kit asks for is done at once, without a command."""

    def __init__(self, actor: "SealingActor") -> None:
        super().__init__("in this process", lambda _: None)
        self._actor = actor

    async def do(self, action: str, **details: object) -> None:
        await self._actor.do(action, details)

    async def ask(self, action: str, **details: object) -> dict[str, Any]:
        return self._actor.shown(action, details)


@dataclass(slots=True)
class _Own:
    """A content key of the actor's."""

    key: ContentKey
    name: str
    label: KeyLabel


class SealingActor(MemoryPeer):
    """Enter it to have it run on a line; `acts` is what the kit asks of its users."""

    def __init__(self, line: MemoryLine, first_list: bytes, *, defect: str | None = None) -> None:
        self._directory, self._roots = read_first_list(first_list)
        programme = self._directory.listed.programme
        self._programme: ProgrammeId = programme
        self._defect = defect
        self._signing = SigningKey.generate(UNIT, KeyUse.MESSAGES)
        self._witness = SigningKey.generate(UNIT, KeyUse.WITNESS)
        self._opening = OpeningKey.generate(UNIT)
        self._voice = Voice(UNIT, programme, self._signing)
        self._chain = Chain(programme, UNIT)
        self._came: asyncio.Queue[RawRecord] = asyncio.Queue()
        places = [TopicPartition(topic, 0) for topic in (DIRECTORY, f"feed.{UNIT}", LEDGER)]
        self._wire = line.wire(followed=places, heard=self._came.put_nowait)
        self._own: dict[tuple[str, str], _Own] = {}
        self._epochs: dict[str, int] = {}
        self._subjects: dict[str, SubjectId] = {}
        self._referrals: dict[str, SubjectId] = {}
        self._duties: dict[str, tuple[ObligationOpened, SubjectId]] = {}
        self._entries: dict[str, Message] = {}
        self._erased: set[str] = set()
        self._texts: dict[str, object] = {}
        self._keys: dict[str, ContentKey] = {}
        self._singles: dict[str, bytes] = {}
        self._early: set[str] = set()
        self._late: set[str] = set()
        self._deposits: dict[MessageId, _Own] = {}
        self._owed: list[tuple[_Own, str]] = []
        self._seen: Checkpoint | None = None
        self._text = ""
        self._stopped = False
        self._news = asyncio.Event()

    @property
    def acts(self) -> Acts:
        """What its users do."""
        return DirectActs(self)

    @property
    def request(self) -> AdmissionRequest:
        """What the operator is given."""
        return AdmissionRequest(
            programme=self._programme,
            unit=UNIT,
            institution=InstitutionId("vendor"),
            institution_name="Vendor",
            name="Vendor",
            keys=offer([self._signing, self._witness], unit=UNIT),
            encryption_keys=(offer_encryption(self._opening.sealing_key, unit=UNIT, vouching=self._signing),),
        )

    # What its users do.

    async def do(self, action: str, wish: Mapping[str, Any]) -> None:
        """Do one thing."""
        self._text = str(wish.get("text", ""))
        await {
            "take-consent": self._take_consent,
            "narrow-consent": self._narrow,
            "record": self._record,
            "accept-referral": self._accept,
            "answer-obligation": self._answer,
        }[action](wish)

    def shown(self, action: str, wish: Mapping[str, Any]) -> dict[str, Any]:
        """What its users see."""
        assert action == "show"
        return {name: self._content(name) for name in wish["message_ids"]}

    async def _take_consent(self, wish: Mapping[str, Any]) -> None:
        await self._wait(lambda: UnitId(wish["recipient"]) in self._directory.units)
        subject = self._subjects.setdefault(wish["client"], fresh_subject())
        grant = self._grant(wish, until=datetime.fromisoformat(wish["until"]))
        facts = ConsentGiven(
            consent_id=GroundId(fresh_id(datetime.now(UTC))),
            recipient=grant.recipient,
            grants=(grant,),
            paper=("consent",),
            explicit=True,
            notice_version="1",
            evidence_hash="0" * 64,
            method="signed-paper",
        )
        await self._publish(facts, subject, content=ConsentContent(evidence="on paper"))

    async def _narrow(self, wish: Mapping[str, Any]) -> None:
        subject = self._subjects[wish["client"]]
        grant = self._grant(wish, until=datetime.now(UTC) + timedelta(days=30))
        facts = ConsentNarrowed(consent_id=wish["consent_id"], recipient=grant.recipient, grants=(grant,))
        if self._defect != "own-changes-turn-nothing":
            self._turn(subject)
        await self._publish(facts, subject)

    async def _record(self, wish: Mapping[str, Any]) -> None:
        category = Category(wish["category"])
        facts = NeedAssessed(dimension=category.value, level="high")
        content = NeedContent(finding=wish["text"])
        await self._publish(facts, self._subjects[wish["client"]], category=category, content=content)

    async def _accept(self, wish: Mapping[str, Any]) -> None:
        facts = ReferralAccepted(referral_id=ReferralId(wish["referral_id"]))
        content = ReferralContent(message=wish["text"])
        subject = self._referrals[wish["referral_id"]]
        await self._publish(facts, subject, category=Category(wish["category"]), content=content)

    async def _answer(self, wish: Mapping[str, Any]) -> None:
        await self._wait(lambda: wish["obligation_id"] in self._duties)
        duty, subject = self._duties[wish["obligation_id"]]
        if self._defect == "text-kept":
            self._texts = {name: self._content(name) for name in duty.entries}
        self._erased |= set(duty.entries)
        if self._defect != "keys-kept":
            gone = {_kid(self._entries[name]) for name in duty.entries}
            self._keys = {kid: key for kid, key in self._keys.items() if kid not in gone}
        lines = "".join(f"{one}\n" for one in sorted(duty.entries))
        facts = ObligationAnswered(
            obligation_id=ObligationId(wish["obligation_id"]),
            statement="erased",
            entries=len(duty.entries),
            digest=sha256(lines.encode()).hexdigest(),
        )
        await self._publish(facts, subject)

    @staticmethod
    def _grant(wish: Mapping[str, Any], *, until: datetime) -> Grant:
        categories = tuple(Category(one) for one in wish["categories"])
        recipient = to_unit(UnitId(wish["recipient"]))
        return Grant(sources=(UNIT,), recipient=recipient, categories=categories, until=until)

    async def _wait(self, condition: Callable[[], bool]) -> None:
        """Until something that came makes it true."""
        async with asyncio.timeout(5):
            while not condition():
                self._news.clear()
                await self._news.wait()

    # What it sends.

    async def _publish(
        self,
        facts: Facts,
        subject: SubjectId | None,
        *,
        category: Category | None = None,
        content: SealedContent | None = None,
    ) -> None:
        if content is None:
            await self._send(self._voice.compose(facts, subject=subject, category=category))
            return
        assert subject is not None
        scope = PARTIES if category is None or self._defect == "one-scope" else category.value
        own = self._own.get((subject, scope)) or await self._new_key(subject, scope)
        spoken = self._voice.compose(facts, subject=subject, category=category, content=content)
        await self._send(Spoken(spoken.id, spoken.key, spoken.sequence, self._sealed(spoken.payload, own)))

    async def _new_key(self, subject: SubjectId, scope: str) -> _Own:
        key, epoch = ContentKey.generate(), self._epochs.get(subject, 1)
        name = ContentKey.generate().key_id if self._defect == "drawn-key-ids" else key.key_id
        own = _Own(key, name, KeyLabel(self._programme, UNIT, subject, scope, epoch))
        self._own[subject, scope] = own
        if self._defect != "never-deposits":
            await self._deposit(own)
        return own

    async def _deposit(self, own: _Own) -> None:
        header = self._shares(own, self._custodian())
        hashed = sha256(header).hexdigest()
        facts = KeyDeposited(key_id=own.name, scope=own.label.scope, epoch=own.label.epoch, deposit_hash=hashed)
        spoken = self._voice.compose(facts, subject=SubjectId(own.label.subject))
        self._deposits[spoken.id] = own
        await self._send(spoken, (SEALED_KEY, header))

    def _shares(self, own: _Own, to: SealingKey) -> bytes:
        label = own.label
        if self._defect == "info-without-epoch":
            label = KeyLabel(label.programme, label.author, label.subject, label.scope, 0)
        if own.name == own.key.key_id:
            return deposit(own.key, label, custodians=[to])
        sealed = to.seal(own.key.secret, deposit_info(own.name, label, to))
        share = Share(to=to.key_id, sealed=b64encode(sealed).decode())
        return strict_json.canonical(Deposit(shares=(share,)).model_dump(mode="json"))

    def _custodian(self) -> SealingKey:
        known = self._directory.sealing_keys(HUB)
        return known[-1][1] if self._defect == "deposits-to-the-first-key" else known[0][1]

    def _sealed(self, payload: bytes, own: _Own) -> bytes:
        if self._defect == "content-in-clear":
            return payload
        attributes, document = parse_attributes(payload)
        data: Any = document["data"]
        content = data["sealed"]["content"]
        if self._defect == "codes-in-clear" and "facts" in content:
            data["facts"] |= content.pop("facts")
        bound = [attributes.programme, attributes.source, attributes.subject or "", attributes.type, attributes.id]
        if self._defect == "same-key-for-all-messages":
            bound[-1] = ""
        derived = message_key_for(own.key, *bound)
        data["sealed"] = {"form": "jwe", "jwe": self._jwe(strict_json.canonical(content), derived, own.name)}
        return strict_json.canonical(document)

    def _jwe(self, plain: bytes, derived: bytes, kid: str) -> str:
        header = {"alg": "dir", "enc": "A256GCM", "kid": kid}
        if self._defect == "header-with-a-type":
            header["typ"] = "JWE"
        padded = plain if self._defect == "unpadded" else plain + b" " * (-len(plain) % 256)
        encoded, nonce = _text(strict_json.canonical(header)), sha256(padded).digest()[:12]
        sealed = AESGCM(derived).encrypt(nonce, padded, encoded.encode())
        return ".".join((encoded, "", _text(nonce), _text(sealed[:-16]), _text(sealed[-16:])))

    async def _send(self, spoken: Spoken, *beside: tuple[str, bytes]) -> None:
        signed = self._voice.sign(spoken.payload)
        place = partition_of(spoken.key, self._directory.listed.partitions)
        headers = (*to_headers(signed), *beside)
        if self._defect == "text-in-a-header" and self._text:
            headers = (*headers, ("note", self._text.encode()))
        await self._wire.put(OutgoingRecord(INBOX, place, spoken.key.encode(), signed.payload, headers))

    def _turn(self, subject: str) -> None:
        used = [one.label.epoch for (whose, _), one in self._own.items() if whose == subject]
        self._epochs[subject] = max(used, default=self._epochs.get(subject, 1) - 1) + 1
        self._own = {place: one for place, one in self._own.items() if place[0] != subject}

    # What comes.

    async def _run(self) -> None:
        while True:
            record = await self._came.get()
            value = record.value or b""
            if record.topic == DIRECTORY:
                await self._list(value)
            elif record.topic == LEDGER:
                await self._announced(value)
            elif not self._stopped:
                await self._fed(value)
            self._news.set()

    async def _list(self, envelope: bytes) -> None:
        with suppress(TrustListError):
            self._directory = read_envelope(envelope, before=self._directory, roots=self._roots, at=datetime.now(UTC))
        owed, self._owed = self._owed, []
        for own, before in owed:
            if self._custodian().key_id == before and self._defect != "deposits-to-the-first-key":
                self._owed.append((own, before))
            else:
                await self._deposit(own)

    async def _fed(self, value: bytes) -> None:
        record = feed_record.read(value)
        if record.kind == "release":
            self._released(record)
            return
        judged = self._chain.judge(value, self._directory)
        if judged.verdict == "receipt" and self._chain.receipts[-1].code == RefusalCode.KEY_MISSING:
            own = self._deposits[self._chain.receipts[-1].id]
            if self._defect != "key-missing-ignored":
                self._owed.append((own, self._custodian().key_id))
        if judged.verdict == "given" and record.message is not None:
            with suppress(ContractsError):
                await self._given(parse(record.message.payload))

    async def _given(self, message: Message) -> None:
        self._entries[message.id] = message
        self._read(message)
        facts, subject = message.facts, message.subject
        if isinstance(facts, ConsentGiven | ConsentExtended) and subject is not None:
            if self._defect != "changes-of-others-turn-nothing":
                self._turn(subject)
        elif isinstance(facts, ReferralSent) and subject is not None:
            self._referrals[facts.referral_id] = subject
            received = ReferralReceived(referral_id=facts.referral_id)
            await self._publish(received, subject, category=message.category)
        elif isinstance(facts, ObligationOpened) and subject is not None:
            self._duties[facts.obligation_id] = (facts, subject)

    def _read(self, message: Message) -> None:
        """Where an entry is looked at when it comes: some open nothing later."""
        kid = _kid(message)
        if kid is None:
            return
        if kid in self._keys:
            self._early.add(message.id)
        else:
            self._late.add(message.id)
        if self._defect == "stops-at-bad-content" and _type_in_header(message):
            self._stopped = True

    def _released(self, record: feed_record.FeedRecord) -> None:
        known = self._directory.key(record.signed.key_id)
        if known is None:
            return
        if self._defect != "releases-by-any-key":
            if parse_key_id(record.signed.key_id).use is not KeyUse.RELEASES:
                return
            verify(record.signed, known[1], PayloadType.RELEASE)
        release = feed_record.document(record.signed, Release)
        if release.recipient != UNIT and self._defect != "releases-for-anybody":
            return
        with suppress(EncryptionKeyError, KeyMismatchError):
            secret = open_release(release, self._opening)
            if release.message_id is not None and self._defect != "message-keys-derived-from":
                self._singles[release.message_id] = secret
            elif release.message_id is not None or self._defect == "key-ids-unchecked":
                self._keys[release.key_id] = ContentKey(secret)
            else:
                self._keys[release.key_id] = checked(secret, release.key_id)

    def _content(self, name: str) -> object:
        if name in self._texts:
            return self._texts[name]
        message = self._entries.get(name)
        sealed = None if message is None else message.data.sealed
        if message is None or not isinstance(sealed, Jwe) or name in self._erased:
            return None
        forgotten = {"early-keys-forgotten": self._early, "late-keys-forgotten": self._late}.get(self._defect or "")
        key = self._keys.get(_kid(message) or "")
        if forgotten is not None and name in forgotten and key is not None:
            return None
        bound = (message.programme, message.source, message.subject or "", message.type, message.id)
        derived = self._singles.get(name) if key is None else message_key_for(key, *bound)
        return None if derived is None else self._opened(sealed.jwe, derived)

    def _opened(self, jwe: str, derived: bytes) -> object:
        head, _, nonce, text, tag = jwe.split(".")
        with suppress(Exception):  # whatever it is, it does not open
            if self._defect == "header-unread":
                sealed = _raw(text) + _raw(tag)
                return json.loads(AESGCM(derived).decrypt(_raw(nonce), sealed, head.encode()))
            if self._defect == "tag-unchecked":
                counter = modes.CTR(_raw(nonce) + b"\0\0\0\2")
                reader = Cipher(algorithms.AES256(derived), counter).decryptor()
                open_sealed(f"{head}..{nonce}..", derived) if '"cty"' in _raw(head).decode() else None
                return json.loads(reader.update(_raw(text)))
            return json.loads(open_sealed(jwe, derived))
        return None

    async def _announced(self, value: bytes) -> None:
        try:
            _, head, stretch = read_announcement(value).checked()
        except AnnouncementError:
            return
        last = self._seen
        if self._defect == "cosigns-nothing" or (last is not None and not self._follows(last, head, stretch)):
            return
        self._seen = head
        signer = witness_signer(self._programme, UNIT, self._witness)
        line = signer.sign(head.text, at=int(datetime.now(UTC).timestamp())).line.removesuffix("\n")
        document = Sighting.about(head, unit=UNIT, cosignature=line).document
        await self._wire.put(OutgoingRecord(WITNESS, 0, UNIT.encode(), document, ()))

    def _follows(self, last: Checkpoint, head: Checkpoint, stretch: Stretch) -> bool:
        if head.size < last.size:
            return self._defect == "cosigns-what-shrank"
        return self._defect == "cosigns-forks" or stretch.root(last.size) == last.root


def _kid(message: Message) -> str | None:
    sealed = message.data.sealed
    return str(json.loads(_raw(sealed.jwe.split(".")[0]))["kid"]) if isinstance(sealed, Jwe) else None


def _type_in_header(message: Message) -> bool:
    sealed = message.data.sealed
    return isinstance(sealed, Jwe) and "cty" in json.loads(_raw(sealed.jwe.split(".")[0]))


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
