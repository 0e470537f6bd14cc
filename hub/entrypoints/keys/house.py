"""From settings to the parts of the key service.

Invariant: whatever is missing is said at start, with what to do, before anything connects; the hub's database is never the key database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.keys import KeyUse, SigningKey, VerifyingKey
from contracts.names import KeyId
from contracts.trust_list import Directory, TrustList
from hub.application.broker_permissions import HubUser
from hub.application.hub_voice import HubVoice
from hub.application.key_ports import KeyEncryption
from hub.application.key_service import KeyService
from hub.application.programme import Programme
from hub.application.releasing import Releasing
from hub.entrypoints.house import check_clock, check_users, connection_of, first_directory, log_mapper
from hub.entrypoints.keys.settings import KeysSettings
from hub.entrypoints.settings import SettingsError
from hub.infrastructure.erased_keys import ErasedKeys, JournaledKeyStore
from hub.infrastructure.key_encryption_choice import key_encryption
from hub.infrastructure.key_files import KeyFiles
from hub.infrastructure.postgres.key_log import PostgresKeyLog
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from projections.kafka.connection import KafkaConnection
from projections.process.clock import Clock, clock_of

_NO_LOG_KEY: Final = "Copy keys/log-kek.json of the hub's home folder to log-kek.json in this one (mode 600), or set SPOJKA_KEYS_LOG_KEK."


@dataclass(frozen=True, slots=True)
class KeysHouse:
    """Everything that a key service is made of."""

    settings: KeysSettings
    directory: Directory
    roots: Mapping[KeyId, VerifyingKey]
    messages: SigningKey
    releases: SigningKey
    kek: KeyEncryption
    clock: Clock

    @property
    def listed(self) -> TrustList:
        """The programme's first list: partitions and shards are fixed in it."""
        return self.directory.listed

    @property
    def voice(self) -> HubVoice:
        """How the key service speaks in the log."""
        return HubVoice(self.listed.programme, self.messages)

    @property
    def connection(self) -> KafkaConnection:
        """To Kafka, as the key service's own user."""
        return connection_of(self.settings, HubUser.KEYS)

    @property
    def key_database(self) -> ShardDatabase:
        """This shard's keys."""
        return self.key_database_of(self.settings.shard)

    def key_database_of(self, shard: int) -> ShardDatabase:
        """A shard's keys."""
        return ShardDatabase(self.settings.database, shard)

    @property
    def log_database(self) -> ShardDatabase:
        """The hub's database."""
        return ShardDatabase(self.settings.log, self.settings.shard)

    def mapper(self) -> EventMapper:
        """What reads the states of the hub's log. Raises `SettingsError` where its keys are not there."""
        return log_mapper(self.settings.log_key_encryption, advice=_NO_LOG_KEY)

    def log(self, session: Session) -> PostgresKeyLog:
        """The hub's log over a session. Raises `SettingsError`."""
        return PostgresKeyLog(session, self.mapper())

    def key_store(self, keys: Session) -> JournaledKeyStore:
        """This shard's keys, with what was erased of them noted in the home folder."""
        return JournaledKeyStore(keys, ErasedKeys(self.settings.home / "erased" / str(self.settings.shard)))

    def service(self, keys: Session, log: Session) -> KeyService:
        """The service over a session on the key database and one on the hub's. Raises `SettingsError`."""
        store = self.key_store(keys)
        releasing = Releasing(
            store, kek=self.kek, programme=self.listed.programme, key=self.releases, shard=self.settings.shard
        )
        return KeyService(
            log=self.log(log),
            store=store,
            programme=Programme(self.directory, self.roots, self.voice),
            kek=self.kek,
            releasing=releasing,
            clock=self.clock,
        )


def open_house(settings: KeysSettings) -> KeysHouse:
    """Put the parts together. Raises `SettingsError`, `KeyFileError`, `KeyEncryptionError`."""
    _check_databases(settings)
    if settings.broker_users is not None:
        check_users(settings.broker_users)
    directory, roots = first_directory(settings.home)
    if settings.shard >= min(directory.listed.shards, directory.listed.partitions):
        raise SettingsError(
            f"There is no shard {settings.shard} in this programme.",
            advice=f"Set SPOJKA_KEYS_SHARD to a number below {directory.listed.shards}.",
        )
    check_clock(settings, directory, prefix="SPOJKA_KEYS")
    files = KeyFiles(settings.home / "keys")
    kek = key_encryption(settings.key_encryption)
    kek.wrap([(b"", b"")])  # a key that cannot be used is told now
    return KeysHouse(
        settings=settings,
        directory=directory,
        roots=roots,
        messages=files.load(KeyUse.MESSAGES),
        releases=files.load(KeyUse.RELEASES),
        kek=kek,
        clock=clock_of(settings.clock),
    )


def _check_databases(settings: KeysSettings) -> None:
    if not settings.database or not settings.log:
        raise SettingsError(
            "The key database and the hub's are not both set.",
            advice="Set SPOJKA_KEYS_DATABASE and SPOJKA_KEYS_LOG to libpq addresses.",
        )
    if settings.database == settings.log:
        raise SettingsError(
            "The key database is the hub's.",
            advice="Give the key service a database of its own, with a user that no other part of the hub has.",
        )
