"""Real Kafka as the full set-up has it: every listener with TLS, users and permissions made by the operator's own command.

A small town: the advice office and the labour office each with an adapter of their own, a city with two units behind one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from confluent_kafka.admin import (  # type: ignore[attr-defined] # confluent does not mark what it exports
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from typer.testing import CliRunner

from contracts.admission import AdmissionRequest, offer
from contracts.keys import KeyUse, SigningKey
from contracts.names import InstitutionId, ProgrammeId, UnitId
from deploy.servers.kafka_broker import KafkaBroker
from deploy.servers.kafka_security import KafkaSecurity, node_name
from hub.application.broker_permissions import HubUser
from hub.entrypoints.cli import transport
from hub.entrypoints.commands import app
from hub.infrastructure.transport.authority import TRUSTED, Authority
from hub.infrastructure.transport.broker_access import BrokerAccess
from hub.infrastructure.transport.broker_users import SIGN_IN
from hub.infrastructure.transport.secret_files import write_secret
from projections.kafka.connection import KafkaConnection
from projections.kafka.sign_in import SignIn, read_sign_in

TOWN = {"poradna": ("op",), "urad-prace": ("up",), "mesto": ("md", "md-claims")}
PARTITIONS = 4


class SecuredKafka:
    """`with SecuredKafka(folder) as kafka`: running, with the town's users and permissions."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "hub"
        self.transport = self.home / transport.FOLDER
        self.broker = KafkaBroker(folder / "kafka", security=KafkaSecurity(self.transport))
        self._folder = folder

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.command("init", "--programme", "town", "--partitions", str(PARTITIONS))
        for institution, units in TOWN.items():
            for unit in units:
                self.admit(institution, unit)
        self.command("transport", "apply", "--broker", f"{node_name(1)}=localhost,127.0.0.1")
        self.broker.start()
        self.tell_administrator()
        self.command("transport", "apply")
        return self

    def __exit__(self, *_: object) -> None:
        self.broker.stop()

    def command(self, *arguments: str, **settings: str) -> str:
        """`spojka-hub` in this process; returns what it printed. `settings` are the hub's, in lower case."""
        given = {f"SPOJKA_HUB_{name.upper()}": value for name, value in ({"home": str(self.home)} | settings).items()}
        done = CliRunner().invoke(app, list(arguments), env={**given, "COLUMNS": "400"})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    def admit(self, institution: str, unit: str) -> None:
        """A unit asks and is admitted."""
        key = SigningKey.generate(UnitId(unit), KeyUse.MESSAGES)
        request = AdmissionRequest(
            programme=ProgrammeId("town"),
            unit=UnitId(unit),
            institution=InstitutionId(institution),
            institution_name=institution,
            name=unit,
            keys=offer([key], unit=UnitId(unit)),
        )
        file = self._folder / f"{unit}.json"
        file.write_text(request.model_dump_json())
        self.command("trust-list", "admit", str(file))

    def tell_administrator(self) -> None:
        """How the operator signs in at these brokers."""
        lines = "".join(f"{name}={value}\n" for name, value in self.broker.administrator.items())
        write_secret(self.transport / transport.ADMINISTRATOR, lines.encode())

    @property
    def authority(self) -> Authority:
        return Authority(self.transport)

    @property
    def access(self) -> BrokerAccess:
        return BrokerAccess(self.broker.administrator)

    @property
    def users(self) -> Sequence[str]:
        """Every user's name without its generation."""
        return (*HubUser, *(f"adapter-{institution}" for institution in TOWN))

    def file(self, user: str) -> Path:
        """Where a user's name and password stand."""
        if user in set(HubUser):
            return self.transport / "users" / user
        return self.transport / "hand-over" / user.removeprefix("adapter-") / SIGN_IN

    def sign_in(self, user: str) -> SignIn:
        return read_sign_in(self.file(user))

    def connection(self, user: str) -> KafkaConnection:
        """As this user's process connects."""
        return KafkaConnection(
            bootstrap=lambda: self.broker.bootstrap,
            security_protocol="SASL_SSL",
            sign_in=lambda: self.sign_in(user),
            trusted=self.transport / TRUSTED,
            request_timeout=3.0,
        )

    def set_broker(self, setting: str, value: str) -> None:
        """Change a setting of the running broker."""
        broker = ConfigResource(ConfigResource.Type.BROKER, "1")
        broker.add_incremental_config(ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET))
        admin = AdminClient({**self.broker.administrator, "log_level": 0})
        for future in admin.incremental_alter_configs([broker]).values():
            future.result(20)
