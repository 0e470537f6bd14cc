"""Everything that runs: broker, PostgreSQL, the hub, one adapter an institution. Started as their operators would start them.

Invariants: all that the run stores lies under one folder; every process ends with this one; ports are random.
"""

import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import typer
from typer.testing import CliRunner

from adapters import commands as adapter_commands
from contracts.names import InstitutionId
from deploy.servers.child import Child
from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.kafka_broker import KafkaBroker
from deploy.servers.kafka_security import KafkaSecurity, node_name
from deploy.servers.postgres import PostgresServer
from deploy.story.clock import StoryClock
from deploy.story.errors import CommandError
from deploy.story.places import INSTITUTIONS, PARTITIONS, PROGRAMME, TIME_ZONE, InstitutionPlan, UnitPlan
from hub.entrypoints import commands as hub_commands
from hub.entrypoints.cli import transport
from hub.entrypoints.house import log_mapper
from hub.entrypoints.keys import commands as key_commands
from hub.entrypoints.settings import LOG_KEK
from hub.infrastructure.postgres.database_users import address_as
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.transport.authority import TRUSTED, Kind
from hub.infrastructure.transport.broker_users import SIGN_IN
from hub.infrastructure.transport.secret_files import write_secret
from projections.kafka.sign_in import read_sign_in

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_BIN: Final = Path(sys.executable).parent
_NAME: Final = "spojka"
_DATABASE: Final = "database"
FIRST_LIST: Final = "trust-list-1.dsse.json"
_MONTHS: Final = 13


class Premises:
    """The processes of the story and the folder in which they keep everything."""

    def __init__(self, folder: Path, *, kafka: bool, start: datetime) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.exports = folder / "exports"
        for part in (self.logs, self.exports, folder / "hub"):
            part.mkdir(parents=True, exist_ok=True)
        self.clock = StoryClock(folder / "clock", start)
        self._secured = kafka
        self.broker: EmbeddedBroker | KafkaBroker = (
            KafkaBroker(folder / "broker", logs=self.logs, security=KafkaSecurity(self.transport))
            if kafka
            else EmbeddedBroker(state=folder / "broker" / "broker.json", log=self.logs / "broker.log")
        )
        certificate = self.transport / Kind.SERVER / _DATABASE if kafka else None
        self.postgres = PostgresServer(folder / "postgres", logs=self.logs, certificate=certificate)
        self.hub = Child("The hub", log=self.logs / "hub.log")
        self.keys = Child("The key service", log=self.logs / "keys.log")
        self.adapters = {
            plan.institution: Child(f"The adapter of {plan.name}", log=self.logs / f"adapter-{plan.institution}.log")
            for plan in INSTITUTIONS
        }
        self.dsn = ""
        self.keys_dsn = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def home(self, institution: InstitutionId) -> Path:
        """The home folder of an institution's adapter."""
        return self.folder / "adapters" / institution

    @property
    def transport(self) -> Path:
        """Certificates, and files of users, as the operator's command makes them."""
        return self.folder / "hub" / transport.FOLDER

    def start_servers(self) -> None:
        """Broker and database; real Kafka with TLS, passwords and permissions, as in the full set-up."""
        if self._secured:
            broker, database = (f"{name}=localhost,127.0.0.1" for name in (node_name(1), _DATABASE))
            self.hub_command("transport", "apply", "--broker", broker, "--server", database)
        self.broker.start()
        if isinstance(self.broker, KafkaBroker):
            sign_in = "".join(f"{name}={value}\n" for name, value in self.broker.administrator.items())
            write_secret(self.transport / transport.ADMINISTRATOR, sign_in.encode())
        self.postgres.start()
        self.dsn = self.postgres.create_database(_NAME)
        self.keys_dsn = self.postgres.create_database("spojka_keys", owner="spojka_keys")
        self._address_of_hub.write_text(self.broker.bootstrap)

    def set_up_hub(self) -> None:
        """Keys, first trust list, tables."""
        shape = ("--programme", PROGRAMME, "--partitions", str(PARTITIONS), "--time-zone", TIME_ZONE)
        self.hub_command("init", *shape, "--at", self._today())
        self.hub_command("migrate")
        self.hub_command("transport", "database")
        self._set_up_keys()

    def admit(self) -> None:
        """Enrol every unit at its adapter, admit it at the hub, publish the trust lists."""
        for plan in INSTITUTIONS:
            self._set_up_adapter(plan)
            for unit in plan.units:
                self._admit(plan, unit)
        if self._secured:
            self.permit()
            for plan in INSTITUTIONS:
                self._hand_over(plan.institution)

    def permit(self) -> None:
        """Users and permissions at a secured broker, also after it lost everything."""
        if self._secured:
            self.hub_command("transport", "apply")

    @property
    def writer(self) -> Mapping[str, str]:
        """Settings of librdkafka for somebody who may write to the inbox and nowhere else."""
        where = {"bootstrap.servers": self.broker.bootstrap}
        if not self._secured:
            return where
        sign_in = read_sign_in(self.home(INSTITUTIONS[0].institution) / SIGN_IN)
        return where | {
            "security.protocol": "sasl_ssl",
            "ssl.ca.location": str(self.transport / TRUSTED),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": sign_in.user,
            "sasl.password": sign_in.password,
        }

    def start_hub(self) -> None:
        """Start the hub with all its roles; each role has its own user of the database, and none is the owner of the tables."""
        command = [str(_BIN / "spojka-hub"), "run"]
        self.hub.start(command, folder=_REPOSITORY, environment=self.hub_environment)

    def start_keys(self) -> None:
        """Start the key service."""
        command = [str(_BIN / "spojka-keys"), "run"]
        self.keys.start(command, folder=_REPOSITORY, environment=self.keys_environment)

    def start_adapter(self, institution: InstitutionId) -> None:
        """Start one institution's adapter."""
        command = [str(_BIN / "spojka-adapter"), "run"]
        self.adapters[institution].start(command, folder=_REPOSITORY, environment=self.adapter_environment(institution))

    def check_alive(self) -> None:
        """Raises `ServerStartError`, which quotes the end of its log, where a process of the story has ended by itself."""
        for child in (self.hub, self.keys, *self.adapters.values()):
            if not child.running:
                raise child.failure("has ended")

    def stop(self) -> None:
        """End everything, clients first."""
        for child in (*self.adapters.values(), self.keys, self.hub):
            child.ask_to_end()
        for child in (*self.adapters.values(), self.keys, self.hub):
            child.stop()
        self.broker.stop()
        self.postgres.stop()

    def tell_address(self, institution: InstitutionId | None = None) -> None:
        """Where the broker is now: to the hub and all adapters, or to one."""
        if institution is None:
            self._address_of_hub.write_text(self.broker.bootstrap)
        for plan in INSTITUTIONS:
            if institution in {None, plan.institution}:
                self._address_of(plan.institution).write_text(self.broker.bootstrap)

    def lead_nowhere(self, institution: InstitutionId) -> None:
        """An address at which nobody listens: the line is down."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        self._address_of(institution).write_text(f"127.0.0.1:{port}")

    @property
    def hub_environment(self) -> Mapping[str, str]:
        """Settings of the hub."""
        return {
            "SPOJKA_HUB_HOME": str(self.folder / "hub"),
            "SPOJKA_HUB_DATABASE": self.dsn,
            "SPOJKA_HUB_BOOTSTRAP": f"file:{self._address_of_hub}",
            "SPOJKA_HUB_CLOCK": f"file:{self.clock.path}",
            "SPOJKA_HUB_REHEARSAL": "true",
            "SPOJKA_HUB_PORT": "0",
            **self._database_users_of_hub,
            **(self._sign_in_of_hub if self._secured else {}),
        }

    @property
    def _sign_in_of_hub(self) -> Mapping[str, str]:
        brokers = self.transport / "users"
        return {
            "SPOJKA_HUB_SECURITY_PROTOCOL": "SASL_SSL",
            "SPOJKA_HUB_CA_FILE": str(self.transport / TRUSTED),
            **({"SPOJKA_HUB_BROKER_USERS": str(brokers)} if brokers.exists() else {}),
        }

    @property
    def _database_users_of_hub(self) -> Mapping[str, str]:
        """Each part signs in as itself; while there are no tables yet, whoever makes them signs in as their owner."""
        users = self.transport / transport.DATABASE_USERS
        if not users.exists():
            return {}
        mine = {"SPOJKA_HUB_DATABASE_USERS": str(users)}
        if not self._secured:
            return mine
        over_tls = {
            "SPOJKA_HUB_DATABASE": self.postgres.secured_dsn(_NAME),
            "SPOJKA_HUB_DATABASE_CA_FILE": str(self.transport / TRUSTED),
        }
        return mine | over_tls

    @property
    def _log_for_keys(self) -> str:
        users = self.transport / transport.DATABASE_USERS
        if not users.exists():
            return self.dsn
        if not self._secured:
            return address_as(self.dsn, users, DatabaseUser.KEYS)
        secured = self.postgres.secured_dsn(_NAME)
        return address_as(secured, users, DatabaseUser.KEYS, trusted=self.transport / TRUSTED)

    @property
    def keys_environment(self) -> Mapping[str, str]:
        """Settings of the key service."""
        users = self.transport / "users"
        secured = {
            "SPOJKA_KEYS_SECURITY_PROTOCOL": "SASL_SSL",
            "SPOJKA_KEYS_CA_FILE": str(self.transport / TRUSTED),
            **({"SPOJKA_KEYS_BROKER_USERS": str(users)} if users.exists() else {}),
        }
        return {
            "SPOJKA_KEYS_HOME": str(self.folder / "keys"),
            "SPOJKA_KEYS_DATABASE": self.keys_dsn,
            "SPOJKA_KEYS_LOG": self._log_for_keys,
            "SPOJKA_KEYS_BOOTSTRAP": f"file:{self._address_of_hub}",
            "SPOJKA_KEYS_CLOCK": f"file:{self.clock.path}",
            "SPOJKA_KEYS_REHEARSAL": "true",
            "SPOJKA_KEYS_PORT": "0",
            **(secured if self._secured else {}),
        }

    @property
    def mapper(self) -> EventMapper:
        """What reads the states of the hub's log."""
        return log_mapper(f"file:{self.folder / 'hub' / LOG_KEK}", advice="Begin the story anew.")

    def adapter_environment(self, institution: InstitutionId) -> Mapping[str, str]:
        """Where an adapter finds its settings; all else is in its home."""
        return {"SPOJKA_ADAPTER_HOME": str(self.home(institution))}

    def hub_command(self, *arguments: str) -> str:
        """Run `spojka-hub` to its end; returns what it printed. Raises `CommandError`."""
        return _run(hub_commands.app, "spojka-hub", arguments, self.hub_environment)

    def adapter_command(self, institution: InstitutionId, *arguments: str) -> str:
        """Run `spojka-adapter` to its end; returns what it printed. Raises `CommandError`."""
        return _run(adapter_commands.app, "spojka-adapter", arguments, self.adapter_environment(institution))

    @property
    def _address_of_hub(self) -> Path:
        return self.folder / "hub" / "broker-address"

    def _address_of(self, institution: InstitutionId) -> Path:
        return self.home(institution) / "broker-address"

    def _set_up_keys(self) -> None:
        """The key service's keys, one to deposit to for each month of the story; the hub's operator admits their public halves."""
        home = self.folder / "keys"
        home.mkdir(mode=0o700)
        shutil.copy(self.folder / "hub" / FIRST_LIST, home / FIRST_LIST)
        shutil.copy(self.folder / "hub" / LOG_KEK, home / LOG_KEK.name)
        environment = self.keys_environment
        _run(
            key_commands.app,
            "spojka-keys",
            ("init", "--deposit-keys", str(_MONTHS), "--at", self._today()),
            environment,
        )
        public = str(home / key_commands.PUBLIC)
        self.hub_command("trust-list", "add-key-service", public, "--at", self._today())

    def _today(self) -> str:
        return f"{self.clock.now().astimezone():%Y-%m-%dT%H:%M:%S}"  # in the machine's zone, as the command reads it

    def _set_up_adapter(self, plan: InstitutionPlan) -> None:
        home = self.home(plan.institution)
        home.mkdir(parents=True)
        shutil.copy(self.folder / "hub" / FIRST_LIST, home / FIRST_LIST)
        (home / "adapter.toml").write_text(
            f'programme = "{PROGRAMME}"\nbootstrap = "file:broker-address"\nclock = "file:{self.clock.path}"\n'
            "rehearsal = true\nhealth_port = 0\n"
        )
        self.tell_address(plan.institution)

    def _hand_over(self, institution: InstitutionId) -> None:
        """What the operator gives an institution, put where its adapter reads it."""
        home, given = self.home(institution), self.transport / "hand-over" / institution
        for name in (SIGN_IN, TRUSTED):
            shutil.copy(given / name, home / name)
        with (home / "adapter.toml").open("a", encoding="utf-8") as settings:
            settings.write((given / "adapter.toml").read_text(encoding="utf-8"))

    def _admit(self, plan: InstitutionPlan, unit: UnitPlan) -> None:
        request = self.exports / f"admission-{unit.unit}.json"
        names = ("--institution", plan.institution, "--institution-name", plan.name, "--name", unit.name)
        request.write_text(self.adapter_command(plan.institution, "enrol", unit.unit, *names))
        marks = [flag for flag, holds in (("--secrecy", unit.secrecy), ("--sanctions", unit.sanctions)) if holds]
        self.hub_command("trust-list", "admit", str(request), "--role", unit.role, *marks, "--at", self._today())


def _run(command: typer.Typer, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The command line in this process: a dozen interpreters need not start for a dozen short commands."""
    done = CliRunner().invoke(command, list(arguments), env=environment)
    if done.exit_code != 0:
        raise CommandError(f"{name} {' '.join(arguments)}", output=f"{done.output}\n{done.exception}")
    return done.stdout
