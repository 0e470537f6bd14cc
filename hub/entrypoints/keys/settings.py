"""Settings of the key service: from the environment (`SPOJKA_KEYS_…`) or from `keys.toml`, checked at start.

Invariants: the key service shares no folder, database or sign-in with the rest of the hub; no setting holds a key or a password.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from hub.entrypoints.settings import HomeSettings, checked, lines_of
from projections.kafka.connection import SecurityProtocol


class KeysSettings(HomeSettings):
    """What the key service must know to run."""

    HOME = "keys-home"
    FILE = "keys.toml"
    model_config = SettingsConfigDict(env_prefix="SPOJKA_KEYS_", extra="forbid", frozen=True)

    home: Annotated[Path, Field(description="Folder with signing keys, the first trust list and keys.toml.")] = Path(
        "keys-home"
    )
    database: Annotated[
        str, Field(description="PostgreSQL address (libpq) of the key service's own database; not the hub's.")
    ] = ""
    log: Annotated[
        str,
        Field(description="PostgreSQL address of the hub's database: the log is read there, the mailbox emptied."),
    ] = ""
    kek: Annotated[
        str,
        Field(
            description="Key-encryption keys: file:PATH; env:NAME for a variable that holds what such a file does; or, in a security "
            "module, pkcs11:token=NAME?module-path=LIBRARY&pin-source=file:PATH (RFC 7512). Not set: kek.json in the home folder."
        ),
    ] = ""
    log_kek: Annotated[
        str,
        Field(
            description="The keys that wrap the keys of the hub's log, as the hub has them: file:PATH or env:NAME. "
            "Not set: log-kek.json in the home folder."
        ),
    ] = ""
    bootstrap: Annotated[
        str, Field(description="Kafka address host:port[,host:port…], or file:PATH to a file that holds it.")
    ] = "127.0.0.1:9092"
    shard: Annotated[int, Field(ge=0, description="Which shard this process serves.")] = 0
    clock: Annotated[
        str, Field(description="`system`, or `file:PATH` for a story; only on trial or in a rehearsal.")
    ] = "system"
    rehearsal: Annotated[
        bool,
        Field(description="A programme with invented people: it may follow a story clock though content is sealed."),
    ] = False
    ledger_release_seconds: Annotated[
        float,
        Field(gt=0, description="How long an event may wait for its place in the ledger before no key is released."),
    ] = 300
    backup_days: Annotated[
        int,
        Field(
            ge=3,
            description="How long backups and write-ahead logs of both databases are kept: an erasure's second date.",
        ),
    ] = 35
    host: Annotated[
        str,
        Field(
            description="Where health and metrics listen; any but this machine's own needs host_certificate, host_key and host_token_file."
        ),
    ] = "127.0.0.1"
    host_certificate: Annotated[Path | None, Field(description="PEM file of health's and metrics' certificate.")] = None
    host_key: Annotated[
        Path | None, Field(description="PEM file of that certificate's private key, readable by its owner alone.")
    ] = None
    host_token_file: Annotated[
        Path | None,
        Field(description="File of the token that whoever asks shows as `Authorization: Bearer`, mode 600."),
    ] = None
    port: Annotated[int, Field(ge=0, le=65535, description="Port of health and metrics; 0 takes a free one.")] = 9465
    security_protocol: Annotated[SecurityProtocol, Field(description="How to talk to Kafka.")] = "PLAINTEXT"
    broker_users: Annotated[
        Path | None, Field(description="Folder with the file `hub-keys` of `spojka-hub transport apply`.")
    ] = None
    ca_file: Annotated[Path | None, Field(description="Authorities whose certificates the brokers may show (PEM).")] = (
        None
    )

    @property
    def key_encryption(self) -> str:
        """Where the key-encryption keys are."""
        return self.kek or f"file:{self.home / 'kek.json'}"

    @property
    def log_key_encryption(self) -> str:
        """Where the keys are that wrap the keys of the hub's log."""
        return self.log_kek or f"file:{self.home / 'log-kek.json'}"


def load_settings(**given: object) -> KeysSettings:
    """The settings, or a `SettingsError` that names each fault and what to write."""
    return checked(KeysSettings, given)


def described() -> str:
    """Every setting with its default, for `spojka-keys settings`."""
    return lines_of(KeysSettings)
