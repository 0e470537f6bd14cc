"""Settings of the hub's processes: from the environment (`SPOJKA_HUB_…`) or from `hub.toml`, checked at start.

Invariant: what decides something about a client is no setting here but a message in the log (`hub.domain.settings`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hub.application.ledger_guard import LagLimits
from hub.application.ports import HubError
from projections.process.loopback import is_loopback

HOME = "SPOJKA_HUB_HOME"
LOG_KEK: Final = Path("keys/log-kek.json")
"""Where in the home folder the keys lie that wrap the keys of the log."""


class SettingsError(HubError):
    """A setting is missing or wrong."""


class HomeSettings(BaseSettings):
    """Settings with a home folder, in which a file of them may lie."""

    HOME: ClassVar[str]
    """The home folder where nobody names one."""
    FILE: ClassVar[str]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before environment before file."""
        del dotenv_settings, file_secret_settings
        home = init_settings().get("home") or env_settings().get("home") or cls.HOME
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(str(home)) / cls.FILE)


SettingsT = TypeVar("SettingsT", bound=HomeSettings)


class HubSettings(HomeSettings):
    """What a hub process must know to run."""

    HOME = "hub-home"
    FILE = "hub.toml"
    model_config = SettingsConfigDict(env_prefix="SPOJKA_HUB_", extra="forbid", frozen=True)

    home: Annotated[Path, Field(description="Folder with keys, trust list and hub.toml.")] = Path("hub-home")
    database: Annotated[
        str, Field(description="PostgreSQL address (libpq), for example host=db dbname=spojka user=hub.")
    ] = ""
    database_users: Annotated[
        Path | None,
        Field(
            description="Folder with the password of each of the hub's users of the database, as `spojka-hub transport database` makes them; "
            "each role signs in as its own. The database's address then needs no user."
        ),
    ] = None
    database_ca_file: Annotated[
        Path | None,
        Field(
            description="Authorities whose certificate the database must show (PEM); unset: TLS as its address says."
        ),
    ] = None
    log_kek: Annotated[
        str,
        Field(
            description="The keys that wrap the keys of the log: file:PATH, or env:NAME for a variable that holds what such a file does. "
            "Not set: keys/log-kek.json in the home folder. Every part of the hub that reads the log needs them, and so does the key service."
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
    port: Annotated[int, Field(ge=0, le=65535, description="Port of health and metrics; 0 takes a free one.")] = 9464
    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], Field(description="How to talk to Kafka.")
    ] = "PLAINTEXT"
    broker_users: Annotated[
        Path | None,
        Field(
            description="Folder with a file of user and password for each of the hub's users at the brokers, as "
            "`spojka-hub transport apply` makes them; each role takes its own."
        ),
    ] = None
    ca_file: Annotated[Path | None, Field(description="Authorities whose certificates the brokers may show (PEM).")] = (
        None
    )
    hosted_units: Annotated[
        dict[str, str],
        Field(description="Units that another institution's adapter serves (a hosted desk): unit = institution."),
    ] = {}
    replication: Annotated[int, Field(ge=1, description="Copies of each topic; 3 where there are three brokers.")] = 1
    head_seconds: Annotated[
        float, Field(gt=0, description="Feed heads while a feed is active, by the hub's clock.")
    ] = 60
    quiet_head_seconds: Annotated[float, Field(gt=0, description="Feed heads while it is not.")] = 900
    ledger_announce_seconds: Annotated[
        float, Field(gt=0, description="Between two announcements of the ledger, at least.")
    ] = 1
    ledger_witness_seconds: Annotated[
        float, Field(gt=0, description="How long a checkpoint waits for cosignatures before the next is announced.")
    ] = 30
    ledger_dispatch_seconds: Annotated[
        float,
        Field(gt=0, description="How long an event may wait for its place in the ledger before nothing more is given."),
    ] = 300
    ledger_intake_seconds: Annotated[
        float, Field(gt=0, description="How long it may wait before nothing more is decided either.")
    ] = 86_400
    outside_witnesses: Annotated[
        tuple[str, ...],
        Field(description="Witnesses that others run (C2SP tlog-witness), each as `VERIFIER-KEY ADDRESS`."),
    ] = ()
    audit_host: Annotated[
        str,
        Field(
            description="Where the auditor's page listens; any but this machine's own needs audit_certificate and audit_key."
        ),
    ] = "127.0.0.1"
    audit_port: Annotated[int, Field(ge=0, le=65535, description="Port of the auditor's page; 0 takes a free one.")] = (
        9465
    )
    audit_certificate: Annotated[
        Path | None, Field(description="PEM file with the auditor's page's certificate chain.")
    ] = None
    audit_key: Annotated[
        Path | None, Field(description="PEM file of that certificate's private key, readable by its owner alone.")
    ] = None

    @property
    def log_key_encryption(self) -> str:
        """Where the keys are that wrap the keys of the log."""
        return self.log_kek or f"file:{self.home / LOG_KEK}"

    @model_validator(mode="after")
    def _auditors_are_served_safely(self) -> Self:
        if (self.audit_certificate is None) != (self.audit_key is None):
            raise ValueError("audit_certificate and audit_key belong together: name both or none")
        if self.audit_certificate is None and not is_loopback(self.audit_host):
            raise ValueError(
                f"audit_host {self.audit_host} is not this machine alone: tokens would cross the network in clear. "
                "Name audit_certificate and audit_key, or leave audit_host at 127.0.0.1"
            )
        return self


def load_settings(**given: object) -> HubSettings:
    """The settings, or a `SettingsError` that names each fault and what to write."""
    return checked(HubSettings, given)


def limits_of(settings: HubSettings) -> LagLimits:
    """How long an event may wait for its place in the ledger."""
    return LagLimits(settings.ledger_dispatch_seconds, settings.ledger_intake_seconds)


def described() -> str:
    """Every setting with its default, for `spojka-hub settings`."""
    return lines_of(HubSettings)


def checked(settings: type[SettingsT], given: Mapping[str, Any]) -> SettingsT:
    """Settings of a kind, what is given before the environment and the file. Raises `SettingsError`, which names each fault and what to write."""
    try:
        return settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)
        )
        advice = f"Set {settings.model_config['env_prefix']}<NAME> or write it into {settings.FILE}."
        raise SettingsError(f"Settings do not hold: {faults}.", advice=advice) from error


def lines_of(settings: type[HomeSettings]) -> str:
    """Every setting of a kind with its default, for a person."""
    prefix = settings.model_config["env_prefix"]
    return "\n".join(
        f"{prefix}{name.upper()}  (default: {field.default!r})\n    {field.description}"
        for name, field in settings.model_fields.items()
    )
