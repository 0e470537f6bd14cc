"""The programme with sealed content: units that seal and deposit like adapters, a key service over memory, and what each unit can open.

The units turn no epochs by themselves: a test says under which key something is sealed, so that it can be wrong.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from contracts.categories import Category
from contracts.envelope import Message, open_clear, parse
from contracts.facts import Clear, Facts, SealedContent
from contracts.feed_record import document, read, write
from contracts.kafka_record import SEALED_KEY
from contracts.keys import KeyUse, SigningKey
from contracts.messages.key import KeyDeposited
from contracts.names import HUB, MessageId, SubjectId, UnitId
from contracts.pae import PayloadType
from contracts.sealing.content import open_content, open_with_message_key, seal_content, sealed_under
from contracts.sealing.content_key import ContentKey, KeyLabel, checked
from contracts.sealing.deposit import deposit
from contracts.sealing.release import Release, open_release
from contracts.sealing.suites import OpeningKey
from contracts.signed_bytes import sign_one
from contracts.trust_list import KeyEntry, TrustList
from hub.application.hub_voice import HubVoice
from hub.application.key_opening import bound_to_deposit
from hub.application.key_ports import DepositKey
from hub.application.key_reports import KeyReporting
from hub.application.key_service import KeyService
from hub.application.releasing import Releasing
from hub.infrastructure.key_encryption import KekSet, LocalKeyEncryption
from hub.infrastructure.memory_key_store import MemoryKeyLog, MemoryKeyStore
from projections.kafka.positions import RawRecord
from tests.simulation.programme import DECIN, KAREL, START, STORY_UNITS, Simulation, UnitSpec


@dataclass
class Keyring:
    """What a unit was given on its feed."""

    opening: OpeningKey
    contents: dict[str, ContentKey] = field(default_factory=dict)
    messages: dict[str, bytes] = field(default_factory=dict)

    def take(self, release: Release) -> None:
        secret = open_release(release, self.opening)
        if release.message_id is None:
            self.contents[release.key_id] = checked(secret, release.key_id)
        else:
            self.messages[release.message_id] = secret

    def opened(self, message: Message) -> Message | None:
        """The message with its content in clear, if a key for it is here."""
        kid = sealed_under(message)
        if kid in self.contents:
            return open_content(message, self.contents[kid])
        return open_with_message_key(message, self.messages[message.id]) if message.id in self.messages else None


class SealedSimulation(Simulation):
    """`Simulation`, not on trial, with encryption keys and a key service."""

    def __init__(
        self,
        specs: tuple[UnitSpec, ...] = STORY_UNITS,
        *,
        without: frozenset[str] = frozenset(),
        deposit_days: int = 60,
    ) -> None:
        self._deposit_days = deposit_days
        self.deposit_key = OpeningKey.generate(HUB)
        self.releases_key = SigningKey.generate(HUB, KeyUse.RELEASES)
        self.reports_key = SigningKey.generate(HUB, KeyUse.MESSAGES)
        self.encryption = {spec.name: OpeningKey.generate(UnitId(spec.name)) for spec in specs}
        self._without = without
        self.made: dict[tuple[str, str, str, int], ContentKey] = {}
        self.said: list[RawRecord] = []
        """What was sealed and deposited, for a test that lets another hub hear it too."""
        super().__init__(specs, trial=False)
        self.publish_trust_list()
        self.kek_set = KekSet.fresh("kek-1")
        self.kek = LocalKeyEncryption(lambda: self.kek_set)
        self.key_store = MemoryKeyStore()
        (wrapped,) = self.kek.wrap([(self.deposit_key.private_bytes, bound_to_deposit(self.deposit_key.key_id))])
        self.key_store.add_deposit_key(DepositKey(self.deposit_key.key_id, self.deposit_key.suite, START, wrapped))
        self.key_log = MemoryKeyLog(self.shard)
        self.produced: dict[UnitId, list[Release]] = {}
        self.keys = self.new_keys()

    def new_keys(self) -> KeyService:
        """A key service that takes over."""
        releasing = Releasing(self.key_store, kek=self.kek, programme=DECIN, key=self.releases_key, shard=0)
        service = KeyService(
            log=self.key_log,
            store=self.key_store,
            programme=self.programme,
            kek=self.kek,
            releasing=releasing,
            clock=self.clock,
        )
        service.take_over()
        return service

    def key(self, unit: str, scope: str, *, subject: SubjectId = KAREL, epoch: int = 1) -> ContentKey:
        """The unit's content key, made and deposited when it is first asked for."""
        place = (unit, subject, scope, epoch)
        if place not in self.made:
            self.made[place] = ContentKey.generate()
            self.said.append(self.depositing(unit, scope, self.made[place], subject=subject, epoch=epoch))
            self.take(self.said[-1:])
        return self.made[place]

    def depositing(  # noqa: PLR0913 - what a deposit is, by keyword
        self,
        unit: str,
        scope: str,
        key: ContentKey,
        *,
        subject: SubjectId = KAREL,
        epoch: int = 1,
        custodian: OpeningKey | None = None,
    ) -> RawRecord:
        """The record with which a unit deposits a key."""
        label = KeyLabel(DECIN, UnitId(unit), subject, scope, epoch)
        header = deposit(key, label, custodians=[(custodian or self.deposit_key).sealing_key])
        facts = KeyDeposited(key_id=key.key_id, scope=scope, epoch=epoch, deposit_hash=sha256(header).hexdigest())
        _, signed = self.message(unit, facts, subject=subject)
        record = self.record(signed, subject)
        return record._replace(headers=(*record.headers, (SEALED_KEY, header)))

    def seal(  # noqa: PLR0913 - a message's attributes, by keyword
        self,
        unit: str,
        facts: Facts,
        content: SealedContent,
        *,
        category: Category | None = None,
        subject: SubjectId = KAREL,
        epoch: int = 1,
        key: ContentKey | None = None,
        **attributes: object,
    ) -> MessageId:
        """Seal and send one message, after the key that it needs."""
        used = key or self.key(unit, category.value if category else "parties", subject=subject, epoch=epoch)
        name, raw = self.unsigned(unit, facts, category=category, content=content, subject=subject, **attributes)  # type: ignore[arg-type] # passed on
        signed = sign_one(seal_content(raw, used), self.units[unit].key, PayloadType.CLOUDEVENT)
        self.said.append(self.record(signed, subject))
        self.take(self.said[-1:])
        return name

    def serve(self) -> int:
        """Let the key service do all that there is to do; returns how many releases were produced."""
        count = 0
        while self.keys.step():
            pass
        while rows := self.keys.outgoing():
            for row in rows:
                release = document(read(write("release", row.signed)).signed, Release)
                self.produced.setdefault(row.unit, []).append(release)
            self.keys.produced(rows)
            count += len(rows)
        return count

    def tell(self) -> int:
        """Let the log be told what was released; returns how many it was told."""
        reporting = KeyReporting(self.key_store, self.key_log, HubVoice(DECIN, self.reports_key), shard=0)
        told = 0
        while (report := reporting.next(self.clock.now())) is not None:
            self.take([self.record(report.signed, self.hub_record_key)])
            told += report.count
        return told

    def tell_erasures(self) -> int:
        """Let the log be told which erasures were carried out; returns how many it was told."""
        reporting = KeyReporting(self.key_store, self.key_log, HubVoice(DECIN, self.reports_key), shard=0)
        said = reporting.erasures(beyond=timedelta(days=35))
        self.take([self.record(signed, key) for key, signed in said])
        return len(said)

    def keyring(self, unit: str) -> Keyring:
        """What the unit could gather from its feed."""
        ring = Keyring(self.encryption[unit])
        for release in self.produced.get(UnitId(unit), []):
            ring.take(release)
        return ring

    def opens(self, unit: str, name: MessageId) -> bool:
        """Whether the unit can open a message that lies anywhere (it need not have been given it)."""
        message = self.sent(name)
        opened = self.keyring(unit).opened(message)
        if opened is None:
            return False
        assert isinstance(opened.data.sealed, Clear)
        open_clear(opened)
        return True

    def sent(self, name: MessageId) -> Message:
        """An accepted message of the log."""
        (position,) = [row.position for (_, one), row in self.shard.index.items() if one == name]
        event = self.shard.log[position]
        return parse(event.message.payload)  # type: ignore[attr-defined] # accepted

    def _listed(self, specs: tuple[UnitSpec, ...], *, trial: bool, shards: int) -> TrustList:
        listed = super()._listed(specs, trial=trial, shards=shards)
        until = START + timedelta(days=800)
        own = [
            KeyEntry.of(key.verifying_key, valid_from=START, valid_until=until)
            for key in (self.releases_key, self.reports_key)
        ]
        hub_keys = (*listed.hub_keys, *own, entry_of(self.deposit_key, days=self._deposit_days))
        units = tuple(
            unit
            if unit.unit in self._without
            else unit.model_copy(update={"keys": (*unit.keys, entry_of(self.encryption[unit.unit], days=800))})
            for unit in listed.units
        )
        return listed.model_copy(update={"hub_keys": hub_keys, "units": units})


def entry_of(key: OpeningKey, *, days: int) -> KeyEntry:
    """An encryption key as the trust list has it."""
    return KeyEntry.of_encryption(key.sealing_key, valid_from=START, valid_until=START + timedelta(days=days))
