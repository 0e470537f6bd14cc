"""Settings of an adapter, from the environment (`SPOJKA_ADAPTER_…`) or `adapter.toml` in its home; the environment wins.

Invariants: settings are checked whole before anything starts, and every fault is named with its field and what belongs there; a password shows in no
message. The home holds `adapter.toml`, `units/<unit>/unit.db` and `units/<unit>/keys/`: two units never share a database.
"""

import json
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from adapters.errors import AdapterError
from contracts.admission import AdmissionError, read_first_list
from contracts.keys import VerifyingKey
from contracts.names import KeyId, Programme, Unit, UnitId
from contracts.trust_list import Directory
from projections.kafka.connection import KafkaConnection, SaslMechanism, SecurityProtocol
from projections.kafka.errors import SignInFileError
from projections.kafka.sign_in import SignIn, read_sign_in
from projections.process.loopback import is_loopback

PREFIX: Final = "SPOJKA_ADAPTER_"
HOME: Final = f"{PREFIX}HOME"
SETTINGS_FILE: Final = "adapter.toml"
_FROM_FILE: Final = "file:"
_LOWEST_PORT: Final = 0
_HIGHEST_PORT: Final = 65_535

Address = Annotated[str, StringConstraints(pattern=r"^(file:.+|[^\s,:]+:\d+(,[^\s,:]+:\d+)*)$")]


class SettingsError(AdapterError):
    """The adapter's settings are missing or wrong."""


class PollSettings(BaseModel):
    """A database of a local system that the adapter reads by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    unit: Unit
    mapping: str
    """A mapping file in the home, or the name of a shipped one."""
    database: SecretStr
    """Its address, or file:PATH of a file that holds it."""
    every_minutes: Annotated[float, Field(gt=0, le=10_000)] = 5
    read_whole_every_hours: Annotated[float, Field(gt=0, le=1000)] = 24
    writable_account: bool = False
    """Take an account although it may write."""


class ExportSettings(BaseModel):
    """A place where the adapter keeps an export up to date."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    unit: Unit
    to: Path
    """A folder for CSV files, or a workbook (.xlsx); relative to the home."""


class AdapterSettings(BaseSettings):
    """Everything that an adapter must be told. `settings_table` prints this as a table."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)
    toml_path: ClassVar[Path | None] = None

    home: Path = Field(description="Folder of this adapter")
    programme: Programme = Field(description="Name of the programme, as the operator writes it")
    bootstrap: Address = Field(
        description="Kafka's address, host:port[,host:port…], or file:PATH of a file that holds it (a run state file's `bootstrap`), "
        "read again at each connection"
    )
    first_list: Path = Field(
        default=Path("trust-list-1.dsse.json"),
        description="The operator's first trust list, which names the root keys; relative to the home",
    )
    clock: Annotated[str, StringConstraints(pattern=r"^(system|file:.+)$")] = Field(
        default="system", description="`system`, or file:PATH of a story clock, which only a programme on trial may use"
    )
    rehearsal: bool = Field(
        default=False, description="A programme with invented people: it may use a story clock though content is sealed"
    )
    units: tuple[Unit, ...] = Field(default=(), description="Units to serve; none named: every folder below `units/`")
    unencrypted: tuple[Literal["store", "overviews"], ...] = Field(
        default=(),
        description="Databases that lie in clear on purpose: `overviews` where a local system reads its views and cannot use SQLCipher, "
        "`store` where there is no SQLCipher for the machine. Encrypt the disk then",
    )
    polls: tuple[PollSettings, ...] = Field(
        default=(),
        description="Databases to read by itself, [[polls]] each: unit, mapping, database (its address, or file:PATH of a file that holds it), "
        "every_minutes (5), read_whole_every_hours (24), writable_account (false)",
    )
    exports: tuple[ExportSettings, ...] = Field(
        default=(),
        description="Files to keep up to date for people, [[exports]] each: unit, to (a folder for CSV files, or a workbook .xlsx)",
    )
    lease_days: Annotated[int, Field(ge=1, le=90)] = Field(
        default=7, description="How many days entries of others show without a sign of life from the hub"
    )
    health_port: Annotated[int, Field(ge=_LOWEST_PORT, le=_HIGHEST_PORT)] = Field(
        default=9464, description="Local port of /health and /metrics; 0 takes a free one"
    )
    api_port: Annotated[int, Field(ge=_LOWEST_PORT, le=_HIGHEST_PORT)] | None = Field(
        default=None, description="Port of the local API; 0 takes a free one; absent: there is no API"
    )
    api_host: str = Field(
        default="127.0.0.1",
        description="Address that the local API listens on; any but this machine's own needs `api_certificate` and `api_key`",
    )
    api_certificate: Path | None = Field(
        default=None, description="PEM file of the API's TLS certificate and its chain"
    )
    api_key: Path | None = Field(
        default=None, description="PEM file of that certificate's private key, which only its owner may read"
    )
    webhook_networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(),
        description="Networks that are not public, to which webhooks may go all the same, in clear too: 10.1.0.0/16, 127.0.0.1/32",
    )
    webhook_content: bool = Field(
        default=False,
        description="Whether webhooks that ask for it get facts and texts of the unit's own entries; else only that something happened",
    )
    language: Literal["en", "cs", "pl"] = Field(default="en", description="Language of what the commands show")
    emergency_units: tuple[Unit, ...] = Field(
        default=(),
        description="Units whose workers may open, for six hours and with a reason that client and auditors see, what the unit holds "
        "and its rules hide; none named: nobody may",
    )
    data_protection_contact: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="Where a client turns about personal data (the data protection officer); stands on reports to clients",
    )
    complaints_to: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="The authority that a client may complain to, as it stands on reports; unset: the one of the programme's country",
    )
    derived_subjects: bool = Field(
        default=False,
        description="Name clients by a national id with the programme key; only where the law lets the institution use the number",
    )
    programme_key_file: Path = Field(
        default=Path("programme-key"), description="File of the programme key, mode 0600; relative to the home"
    )
    security_protocol: SecurityProtocol = Field(default="PLAINTEXT", description="How to reach the broker")
    sasl_mechanism: SaslMechanism = Field(default="SCRAM-SHA-512", description="How to sign in at the broker")
    sasl_username: str | None = Field(default=None, description="The institution's principal at the broker")
    sasl_password: SecretStr | None = Field(default=None, description="Its password; better from the environment")
    broker_sign_in: Path | None = Field(
        default=None,
        description="File of user and password for the broker as the operator gave it, `user:password`, mode 0600; relative to the home; "
        "read again at each connection",
    )
    ca_file: Path | None = Field(
        default=None,
        description="PEM file of the CAs that may sign the broker's certificate, as the operator gave it; relative to the home",
    )
    mail_host: str | None = Field(
        default=None, description="Mail server for partners without an adapter; unset: no e-mail is sent"
    )
    mail_port: Annotated[int, Field(ge=1, le=_HIGHEST_PORT)] = Field(
        default=587,
        description="Its port; STARTTLS is required there unless the server is this machine (465: TLS at once)",
    )
    mail_from: Annotated[str, StringConstraints(pattern=r"^[^@\s<>]+@[^@\s<>]+$")] | None = Field(
        default=None, description="Address that these e-mails come from; needed with mail_host"
    )
    mail_username: str | None = Field(default=None, description="Sign-in at the mail server, where it asks for one")
    mail_password: SecretStr | None = Field(default=None, description="Its password; better from the environment")
    answer_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s?#]+(/[^\s?#]*)?$")] | None = Field(
        default=None,
        description="Address of the answer page as partners reach it, https://answers.example.org; needed with mail_host",
    )
    answer_port: Annotated[int, Field(ge=_LOWEST_PORT, le=_HIGHEST_PORT)] = Field(
        default=8465, description="Port that `spojka-adapter answer-page` listens on; 0 takes a free one"
    )
    answer_host: str = Field(
        default="127.0.0.1",
        description="Address that the answer page listens on; any but this machine's own needs `answer_certificate` and `answer_key`",
    )
    answer_certificate: Path | None = Field(
        default=None, description="PEM file with the answer page's certificate chain"
    )
    answer_key: Path | None = Field(
        default=None, description="PEM file of that certificate's private key, which only its owner may read"
    )

    @model_validator(mode="after")
    def _api_is_safe(self) -> Self:
        if (self.api_certificate is None) != (self.api_key is None):
            raise ValueError("api_certificate and api_key belong together: name both or none")
        if self.api_certificate is None and not is_loopback(self.api_host):
            raise ValueError(
                f"api_host {self.api_host} is not this machine alone: tokens and clients would cross the network in clear. "
                "Name api_certificate and api_key, or leave api_host at 127.0.0.1"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code, then the environment, then the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=cls.toml_path)

    @model_validator(mode="after")
    def _partners_are_asked_safely(self) -> Self:
        if self.mail_host is not None and (self.mail_from is None or self.answer_url is None):
            raise ValueError(
                "mail_host needs mail_from and answer_url: an e-mail without a sender or a link asks nobody"
            )
        if (self.answer_certificate is None) != (self.answer_key is None):
            raise ValueError("answer_certificate and answer_key belong together: name both or none")
        if self.answer_certificate is None and not is_loopback(self.answer_host):
            raise ValueError(
                f"answer_host {self.answer_host} is not this machine alone: links would cross the network in clear. "
                "Name answer_certificate and answer_key, or leave answer_host at 127.0.0.1 behind a proxy that speaks TLS"
            )
        address = urlsplit(self.answer_url or "https://")
        if address.scheme == "http" and not is_loopback(address.hostname or ""):
            raise ValueError("answer_url must begin with https:// unless it is this machine's own")
        return self

    @property
    def lease(self) -> timedelta:
        """How long entries of others show without a sign of life."""
        return timedelta(days=self.lease_days)

    @property
    def unit_names(self) -> tuple[UnitId, ...]:
        """The units to serve."""
        return self.units or units_in(self.home)

    def connection(self, client: str) -> KafkaConnection:
        """How to reach the broker; files of password and CA are read when it connects."""
        return KafkaConnection(
            bootstrap=address_of(self.bootstrap, self.home),
            client_id=f"spojka-adapter-{client}",
            security_protocol=self.security_protocol,
            sasl_mechanism=self.sasl_mechanism,
            sign_in=self._sign_in(),
            trusted=None if self.ca_file is None else self.home / self.ca_file,
        )

    def check_secrets(self) -> None:
        """Raises `SettingsError` where the file of user and password cannot be used: at start, before anything connects."""
        if self.broker_sign_in is None:
            return
        try:
            read_sign_in(self.home / self.broker_sign_in)
        except SignInFileError as error:
            raise SettingsError(str(error), advice="See spojka-adapter doctor.") from error

    def read_first_list(self) -> tuple[Directory, Mapping[KeyId, VerifyingKey]]:
        """The operator's first trust list and its root keys. Raises `SettingsError`."""
        path = self.home / self.first_list
        try:
            directory, roots = read_first_list(path.read_bytes())
        except OSError as error:
            raise SettingsError(
                f"The first trust list does not read: {path}",
                advice="Put the operator's file there and compare its root key ids with the operator by telephone.",
            ) from error
        except AdmissionError as error:
            raise SettingsError(f"{path}: {error.problem}", advice=error.advice) from error
        if directory.listed.programme != self.programme:
            raise SettingsError(
                f"{path} is of programme {directory.listed.programme}, the settings say {self.programme}",
                advice="Take the file of the programme that this adapter is to work in.",
            )
        return directory, roots

    def _sign_in(self) -> Callable[[], SignIn] | None:
        if self.broker_sign_in is not None:
            return partial(read_sign_in, self.home / self.broker_sign_in)
        if self.sasl_username is None or self.sasl_password is None:
            return None
        given = SignIn(self.sasl_username, self.sasl_password.get_secret_value())
        return lambda: given


def home_of(given: Path | None) -> Path:
    """The folder of the adapter that is meant."""
    return (given or Path(os.environ.get(HOME) or ".")).resolve()


def load_settings(home: Path | None = None, **given: Any) -> AdapterSettings:  # noqa: ANN401 - any setting, checked below
    """The settings of the adapter in `home` (default: `SPOJKA_ADAPTER_HOME`, else the working folder). Raises `SettingsError`."""
    folder = home_of(home)

    class _Here(AdapterSettings):
        toml_path: ClassVar[Path | None] = folder / SETTINGS_FILE

    try:
        return _Here(home=folder, **given)
    except ValidationError as error:
        raise SettingsError(_faults(error, folder), advice=f"Correct it in {folder / SETTINGS_FILE}.") from error
    except ValueError as error:  # TOML that does not parse
        raise SettingsError(f"{folder / SETTINGS_FILE} does not read: {error}", advice="Correct the file.") from error


def _faults(error: ValidationError, folder: Path) -> str:
    told = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in fault["loc"])
        field = AdapterSettings.model_fields.get(str(fault["loc"][0]) if fault["loc"] else "")
        meaning = f" ({field.description})" if field is not None and field.description else ""
        told.append(f"{name}: {fault['msg']}{meaning}; in the environment {PREFIX}{name.upper()}")
    return f"The settings of the adapter in {folder} are not right:\n- " + "\n- ".join(told) + "\n"


def settings_table() -> list[tuple[str, str, str]]:
    """Name, default and meaning of every setting, for help and documentation."""
    return [
        (name, "needed" if field.is_required() else str(field.default), field.description or "")
        for name, field in AdapterSettings.model_fields.items()
    ]


def address_of(written: str, home: Path) -> Callable[[], str]:
    """How to find the broker's address at the moment of connecting."""
    if not written.startswith(_FROM_FILE):
        return lambda: written
    path = home / written.removeprefix(_FROM_FILE)
    return lambda: _in_file(path.read_text(encoding="utf-8").strip())


def _in_file(text: str) -> str:
    """A run state file is JSON; one with nothing but the address will do too."""
    return str(json.loads(text)["bootstrap"]) if text.startswith("{") else text


def unit_folder(home: Path, unit: UnitId) -> Path:
    """Where everything of one unit lies."""
    return home / "units" / unit


def units_in(home: Path) -> tuple[UnitId, ...]:
    """The units that have a folder, in alphabetical order."""
    folder = home / "units"
    return tuple(sorted(UnitId(one.name) for one in folder.iterdir() if one.is_dir())) if folder.is_dir() else ()
