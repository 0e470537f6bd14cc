"""From settings to parts: keys, the configured trust list, the database, the broker, the clock.

Invariant: whatever is missing is said at start, with what to do, before anything connects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from contracts.admission import read_first_list
from contracts.errors import ContractsError
from contracts.keys import KeyUse, VerifyingKey
from contracts.names import KeyId
from contracts.trust_list import Directory
from hub.application.broker_permissions import HubUser
from hub.application.feed_voice import FeedVoice
from hub.application.hub_voice import HubVoice
from hub.application.programme import Programme, as_told
from hub.domain.shards import partitions_of
from hub.entrypoints.settings import HubSettings, SettingsError
from hub.infrastructure.key_encryption import KeyEncryptionError
from hub.infrastructure.key_encryption_choice import key_encryption
from hub.infrastructure.key_files import KeyFiles
from hub.infrastructure.postgres.database_users import address_as
from hub.infrastructure.postgres.log_keys import LogKeys
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.transport.secret_files import read_secret
from projections.kafka.connection import KafkaConnection, SecurityProtocol
from projections.kafka.errors import SignInFileError
from projections.kafka.sign_in import read_sign_in
from projections.process.clock import Clock, clock_of

FIRST_LIST: Final = "trust-list-1.dsse.json"
_NO_LOG_KEY: Final = (
    "Restore keys/log-kek.json in the home folder from its backup, or copy it from another process of this hub (mode 600), or set "
    "SPOJKA_HUB_LOG_KEK. A hub from before there were such keys gets them by `spojka-hub migrate`."
)


@dataclass(frozen=True, slots=True)
class House:
    """Everything that a hub process is made of."""

    settings: HubSettings
    programme: Programme
    feed_voice: FeedVoice
    clock: Clock

    def database(self, part: DatabaseUser, shard: int | None = None) -> ShardDatabase:
        """A shard's database (this process's), as this part of the hub where parts have users of their own."""
        settings = self.settings
        dsn = settings.database
        if settings.database_users is not None:
            dsn = address_as(dsn, settings.database_users, part, trusted=settings.database_ca_file)
        return ShardDatabase(dsn, settings.shard if shard is None else shard)

    def connection(self, user: HubUser) -> KafkaConnection:
        """To Kafka, as this user. Each asking reads its files anew when it connects."""
        return connection_of(self.settings, user)

    def mapper(self) -> EventMapper:
        """What reads and writes the log's states. Raises `SettingsError` where its keys are not there."""
        return log_mapper(self.settings.log_key_encryption, advice=_NO_LOG_KEY)

    @property
    def partitions(self) -> list[int]:
        """The partitions of the inbox that this shard owns: shards own whole partitions, round robin."""
        listed = self.programme.directory.listed
        return partitions_of(self.settings.shard, partitions=listed.partitions, shards=listed.shards)


def open_house(settings: HubSettings) -> House:
    """Put the parts together. Raises `SettingsError`, `KeyFileError`."""
    if not settings.database:
        raise SettingsError("No database is set.", advice="Set SPOJKA_HUB_DATABASE to a libpq address.")
    keys = KeyFiles(settings.home / "keys")
    if settings.broker_users is not None:
        check_users(settings.broker_users)
    if settings.database_users is not None:
        for file in sorted(settings.database_users.iterdir()):
            read_secret(file)  # libpq would pass over one that others can read, and be refused without saying why
    directory, roots = first_directory(settings.home)
    if settings.shard >= min(directory.listed.shards, directory.listed.partitions):
        raise SettingsError(
            f"There is no shard {settings.shard} in this programme.",
            advice=f"Set SPOJKA_HUB_SHARD to a number below {directory.listed.shards}.",
        )
    check_clock(settings, directory)
    programme_id = directory.listed.programme
    voice = HubVoice(programme_id, keys.load(KeyUse.MESSAGES))
    return House(
        settings=settings,
        programme=Programme(
            directory=directory, roots=roots, voice=voice, configured=as_told((settings.home / FIRST_LIST).read_bytes())
        ),
        feed_voice=FeedVoice(programme_id, keys.load(KeyUse.DELIVERIES)),
        clock=clock_of(settings.clock),
    )


def log_mapper(setting: str, *, advice: str) -> EventMapper:
    """Over the keys of a setting, tried once. Raises `SettingsError` with what to do where they are not there or cannot be used."""
    try:
        keys = LogKeys(key_encryption(setting))
        keys.check()
    except KeyEncryptionError as error:
        said = str(error).removesuffix(error.advice).strip()
        raise SettingsError(f"The keys of the log cannot be used: {said}", advice=advice) from error
    return EventMapper(keys)


class Timed(Protocol):
    """Settings of a process that may follow a story clock."""

    @property
    def clock(self) -> str:
        """`system`, or `file:PATH`."""

    @property
    def rehearsal(self) -> bool:
        """Whether the programme is a rehearsal."""


class Broker(Protocol):
    """Settings of a process that speaks to the brokers."""

    @property
    def bootstrap(self) -> str:
        """Address, or `file:PATH`."""

    @property
    def security_protocol(self) -> SecurityProtocol:
        """How to talk to Kafka."""

    @property
    def broker_users(self) -> Path | None:
        """Folder with users and passwords."""

    @property
    def ca_file(self) -> Path | None:
        """Authorities that are trusted."""


def check_clock(settings: Timed, directory: Directory, *, prefix: str = "SPOJKA_HUB") -> None:
    """A story clock is for invented people. Raises `SettingsError`."""
    if settings.clock != "system" and not (directory.listed.trial or settings.rehearsal):
        raise SettingsError(
            "A story clock in a programme that is not on trial.",
            advice=f"Set {prefix}_CLOCK=system, or {prefix}_REHEARSAL=true where all people are invented.",
        )


def first_directory(home: Path) -> tuple[Directory, Mapping[KeyId, VerifyingKey]]:
    """The first trust list of the home folder, which names the root keys. Raises `SettingsError`."""
    path = home / FIRST_LIST
    try:
        return read_first_list(path.read_bytes())
    except (OSError, ContractsError) as error:
        raise SettingsError(f"No usable trust list in {path}.", advice="Run `spojka-hub init` first.") from error


def connection_of(settings: Broker, user: HubUser) -> KafkaConnection:
    """How one part of the hub reaches Kafka, under a user of its own where there are any."""
    users = settings.broker_users
    return KafkaConnection(
        bootstrap=bootstrap_of(settings.bootstrap),
        client_id=f"spojka-{user}",
        security_protocol=settings.security_protocol,
        sign_in=None if users is None else partial(read_sign_in, users / user),
        trusted=settings.ca_file,
    )


def check_users(folder: Path) -> None:
    """Raises `SettingsError` where a file of user and password, of those that are there, cannot be used."""
    found = [folder / user for user in HubUser if (folder / user).exists()]
    try:
        for path in found:
            read_sign_in(path)
    except SignInFileError as error:
        raise SettingsError(str(error), advice="Or make them anew: `spojka-hub transport apply`.") from error
    if not found:
        raise SettingsError(
            f"{folder} holds no user of the hub.",
            advice="Run `spojka-hub transport apply`, or unset SPOJKA_HUB_BROKER_USERS.",
        )


def bootstrap_of(setting: str) -> Callable[[], str]:
    """The address, or (`file:PATH`) whatever stands in a file at the moment of asking."""
    if setting.startswith("file:"):
        path = Path(setting.removeprefix("file:"))
        return lambda: path.read_text(encoding="ascii").strip()
    return lambda: setting
