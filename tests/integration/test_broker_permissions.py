"""On the full set-up's real broker: who may do what, judged by every request that Kafka's protocol has, and what may not be spoken in clear."""

import asyncio
import json
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from confluent_kafka import TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined] # confluent does not mark what it exports
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from cryptography import x509

from adapters.appliance.finding import Check
from adapters.appliance.line_checks import line_findings
from adapters.words import Words
from contracts.names import UnitId
from deploy.servers.errors import MissingComponentError
from hub.entrypoints.publishing import BrokerAwayError
from hub.infrastructure.transport.authority import (
    CERTIFICATE,
    KEY,
    KEY_AND_CERTIFICATE,
    Authority,
    AuthorityError,
    Holder,
    Kind,
)
from hub.infrastructure.transport.secret_files import write_secret
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.connection import KafkaConnection
from projections.kafka.errors import (
    BrokerUnreachableError,
    CertificateRefusedError,
    NoTlsError,
    SignInFileError,
    SignInRefusedError,
)
from projections.kafka.sign_in import SignIn, read_sign_in
from tests.conformance.operated_hub import ROOT, command
from tests.conformance.own_adapter import enrolled, users
from tests.integration.kafka_rig import until
from tests.integration.protocol_attempts import (
    NEED_ANY,
    NEED_READING,
    QUIET,
    Attempt,
    on_cluster,
    on_groups,
    on_managing,
    on_reading,
    on_writing,
)
from tests.integration.protocol_probe import Answer, Probe
from tests.secured_kafka import PARTITIONS, SecuredKafka

PAGE = (Path(__file__).resolve().parents[2] / "deploy" / "secured.md").read_text(encoding="utf-8")
MAY_READ = {
    "hub-intake": {"hub.inbox"},
    "hub-dispatch": set[str](),
    "hub-keys": set[str](),
    "hub-operator": set[str](),
    "hub-ledger": {"hub.witness"},
    "hub-audit": set[str](),
    "adapter-poradna": {"hub.directory", "hub.ledger", "feed.op"},
    "adapter-urad-prace": {"hub.directory", "hub.ledger", "feed.up"},
    "adapter-mesto": {"hub.directory", "hub.ledger", "feed.md", "feed.md-claims"},
}
FEEDS = {"feed.op", "feed.up", "feed.md", "feed.md-claims"}
MAY_WRITE = {
    "hub-intake": set[str](),
    "hub-dispatch": {"hub.inbox", "hub.directory", *FEEDS},
    "hub-keys": {"hub.inbox", *FEEDS},
    "hub-operator": {"hub.inbox"},
    "hub-ledger": {"hub.ledger"},
    "hub-audit": {"hub.inbox"},
    "adapter-poradna": {"hub.inbox", "hub.witness"},
    "adapter-urad-prace": {"hub.inbox", "hub.witness"},
    "adapter-mesto": {"hub.inbox", "hub.witness"},
}
MAY_CREATE = {"hub-dispatch": ("feed.",)}
"""Beginnings of names; the fixed topics can be made by dispatch and the operator, which a name that is none of theirs does not show."""
NOBODYS = "somebody-elses"
API_VERSIONS = bytes.fromhex("0000000b00120000000000010001") + b"x"
"""A whole request that every Kafka answers to anybody who has not signed in yet, where it speaks in clear."""
NOT_THERE = {"DELEGATION_TOKEN_AUTH_DISABLED", "UNKNOWN_TOPIC_ID"}
"""What these brokers do not have at all: delegation tokens; and the log of metadata is no topic that a client could name."""
METADATA_LOG = ("__cluster_metadata", "AAAAAAAAAAAAAAAAAAAAAQ")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    try:
        with SecuredKafka(tmp_path_factory.mktemp("secured")) as kafka:
            for topic in ("hub.inbox", "hub.directory", "hub.ledger", "hub.witness", *sorted(FEEDS), NOBODYS):
                kafka.broker.create_topic(topic, partitions=PARTITIONS if topic == "hub.inbox" else 1)
            yield kafka
    except MissingComponentError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Probe:
    return Probe.build(tmp_path_factory.mktemp("probe"))


@pytest.mark.kafka
def test_our_own_adapter_seals_opens_erases_and_cosigns_as_the_conformance_kit_asks_over_tls_only(
    kafka: SecuredKafka, tmp_path: Path
) -> None:
    """First of all, while nothing else lies on the topics."""
    home, bootstrap, trusted = tmp_path / "adapter", kafka.broker.bootstrap, str(kafka.authority.trusted)
    reached = {"bootstrap": bootstrap, "security_protocol": "SASL_SSL", "ca_file": trusted}
    signed_in = reached | {"broker_sign_in": str(kafka.file("adapter-poradna"))}
    with (
        player(kafka, tmp_path / "kit-sign-in") as file,
        enrolled(home, "--sealed", programme="town", unit="op", **signed_in) as request,
        users(home, "op") as acts,
    ):
        played = [
            *command("adapters.conformance.commands", "adapter", "--sealed", "--json", "--patience", "60"),
            *("--bootstrap", bootstrap, "--programme", "town", "--admission", str(request)),
            *("--act", acts),
        ]
        secured = {f"SPOJKA_CONFORMANCE_{name.upper()}": value for name, value in reached.items()}
        given = os.environ | secured | {"SPOJKA_CONFORMANCE_BROKER_SIGN_IN": str(file)}
        done = subprocess.run(played, cwd=ROOT, env=given, capture_output=True, text=True, timeout=240, check=False)
        refused = subprocess.run(
            [*played, "--broker-sign-in", str(home / "adapter.toml")],
            cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    found = json.loads(done.stdout)["requirements"]
    assert {one["id"]: one["evidence"] for one in found if one["outcome"] != "held"} == {}, done.stderr
    assert done.returncode == 0
    assert (refused.returncode, "holds `user:password`" in refused.stderr) == (2, True), refused.stderr


@contextmanager
def player(kafka: SecuredKafka, file: Path) -> Iterator[Path]:
    """A user who may do with every topic what the kit must, for as long as it plays; yields the file of name and password."""
    admin = AdminClient({**kafka.broker.administrator, "log_level": 0})
    sign_in = SignIn("kit", "plays-for-this-test-alone")
    every = (ResourceType.TOPIC, "*", ResourcePatternType.LITERAL, "User:kit", "*")
    kafka.access.put_user(sign_in.user, sign_in.password)
    for made in admin.create_acls([AclBinding(*every, AclOperation.ALL, AclPermissionType.ALLOW)]).values():
        made.result(20)
    write_secret(file, sign_in.line().encode())
    try:
        yield file
    finally:
        for gone in admin.delete_acls([AclBindingFilter(*every, AclOperation.ANY, AclPermissionType.ANY)]).values():
            gone.result(20)
        kafka.access.drop_user(sign_in.user)


def topics(kafka: SecuredKafka) -> dict[str, str]:
    """Every topic that the broker has, with its id as the protocol writes it; and the log of its own metadata."""
    admin = AdminClient({**kafka.broker.administrator, "log_level": 0})
    names = list(admin.list_topics(timeout=20).topics)
    described = admin.describe_topics(TopicCollection(names))
    ids = {name: str(one.result(20).topic_id).translate(str.maketrans("+/", "-_")) for name, one in described.items()}
    return {**ids, METADATA_LOG[0]: METADATA_LOG[1]}


def all_attempts(kafka: SecuredKafka, user: str) -> list[tuple[str, Attempt]]:
    """Everything, each with the topic that it is about."""
    every = (on_reading, on_writing, on_managing, on_groups)
    on_topics = [
        (name, attempt)
        for name, topic_id in topics(kafka).items()
        for several in every
        for attempt in several(name, topic_id)
    ]
    return [*on_topics, *(("", attempt) for attempt in on_cluster(kafka.sign_in(user).user))]


def may(user: str, topic: str, attempt: Attempt) -> bool:
    """What the permissions of this user are for, by the table above."""
    reads, writes = topic in MAY_READ[user], topic in MAY_WRITE[user]
    if attempt.api in NEED_READING:
        return reads
    if attempt.api in NEED_ANY:
        return reads or writes
    if attempt.api == "CREATE_TOPICS":
        return topic.startswith(MAY_CREATE.get(user, ("nothing",)))
    return writes and attempt.api == "PRODUCE"


def refused(answer: Answer) -> bool:
    found = answer.errors - {"NONE"}
    return answer.denied or (bool(found) and found <= NOT_THERE)


@pytest.mark.kafka
@pytest.mark.parametrize("user", MAY_READ)
def test_a_user_is_denied_every_topic_group_and_call_that_is_not_its_own(
    kafka: SecuredKafka, probe: Probe, user: str
) -> None:
    attempts = all_attempts(kafka, user)
    quiet = [Attempt(api, body) for api, body in QUIET.items() if not api.startswith("SASL")]
    apis, answers = probe.ask(
        kafka.broker.bootstrap,
        kafka.sign_in(user),
        kafka.authority.trusted,
        [*(one for _, one in attempts), *quiet],
    )
    asked = {one.api for _, one in attempts} | QUIET.keys()
    assert apis - asked == set(), "Kafka offers what this test does not try: say what must come of it"
    allowed = [(topic, one.api) for topic, one in attempts if may(user, topic, one)]
    assert {topic for topic, _ in allowed} == MAY_READ[user] | MAY_WRITE[user]
    wrong = [
        (topic, one.document(), sorted(answer.errors))
        for (topic, one), answer in zip(attempts, answers, strict=False)
        if (answer.errors != {"NONE"} if may(user, topic, one) else not refused(answer))
    ]
    assert wrong == []
    told = " ".join(json.dumps(one.document) for one in answers[len(attempts) :])
    foreign = set(topics(kafka)) - MAY_READ[user] - MAY_WRITE[user]
    assert [name for name in foreign if f'"{name}"' in told] == []


@pytest.mark.kafka
def test_nobody_has_a_permission_beyond_the_table(kafka: SecuredKafka) -> None:
    """Every permission that the broker holds, of whatever kind: nothing for everybody, nothing on groups or the cluster."""
    held = kafka.access.permissions()
    by_user = {one.principal.removeprefix("User:").rpartition(".")[0] for one in held}
    assert by_user == set(MAY_READ)
    assert {one.restype for one in held} == {ResourceType.TOPIC}
    prefixed = {one.name for one in held if one.resource_pattern_type == ResourcePatternType.PREFIXED}
    assert prefixed == {"feed."}


@pytest.mark.kafka
def test_no_listener_speaks_in_clear(kafka: SecuredKafka) -> None:
    """Every port on which the broker's process listens: a request in clear gets no answer, a TLS handshake does."""
    node = kafka.broker._nodes[0]
    process = psutil.Process(node.child.pid)
    family = [process, *process.children(recursive=True)]
    ports = {
        one.laddr.port for member in family for one in member.net_connections() if one.status == psutil.CONN_LISTEN
    }
    assert ports == {node.client_port, node.internal_port, node.controller_port}
    trust = ssl.create_default_context(cafile=str(kafka.authority.trusted))
    for port in ports:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as clear:
            clear.sendall(API_VERSIONS)
            try:
                answer = clear.recv(1024)
            except ConnectionResetError:
                answer = b""
            assert not answer or answer[0] == 0x15, "anything but a TLS alert"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            trust.wrap_socket(raw, server_hostname="127.0.0.1").close()


@pytest.mark.kafka
def test_brokers_and_controllers_ask_for_a_certificate(kafka: SecuredKafka) -> None:
    node = kafka.broker._nodes[0]
    trust = ssl.create_default_context(cafile=str(kafka.authority.trusted))
    for port in (node.internal_port, node.controller_port):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as raw,
            trust.wrap_socket(raw, server_hostname="127.0.0.1") as speaking,
            pytest.raises(ssl.SSLError, match=r"certificate.required|alert bad certificate"),
        ):
            speaking.recv(1)


async def connect(connection: KafkaConnection) -> None:
    async with BatchProducer(connection=connection):
        return


def of(kafka: SecuredKafka, **changed: object) -> KafkaConnection:
    """The advice office's connection, with something changed."""
    right = kafka.connection("adapter-poradna")
    parts = {name: getattr(right, name) for name in ("bootstrap", "security_protocol", "sign_in", "trusted")}
    return KafkaConnection(**{**parts, "request_timeout": 3.0, **changed})


@pytest.mark.kafka
async def test_a_broker_of_another_authority_is_refused(kafka: SecuredKafka, tmp_path: Path) -> None:
    other = Authority(tmp_path / "transport")
    other.begin(at=datetime.now(UTC))
    with pytest.raises(CertificateRefusedError, match=r"authority that is not trusted here\..*CA file") as refused:
        await connect(of(kafka, trusted=other.trusted))
    assert refused.value.fault == "unknown-authority"


@pytest.mark.kafka
async def test_a_broker_under_another_name_is_refused(kafka: SecuredKafka) -> None:
    port = kafka.broker.bootstrap.rpartition(":")[2]
    with pytest.raises(CertificateRefusedError, match=r"is for another name\..*apply --broker NAME=HOST") as refused:
        await connect(of(kafka, bootstrap=lambda: f"127.1:{port}"))
    assert refused.value.fault == "wrong-name"


@pytest.mark.kafka
async def test_an_expired_certificate_is_refused(kafka: SecuredKafka, tmp_path: Path) -> None:
    """Only clients' listener shows it; brokers among themselves would refuse to load it."""
    expired = expired_copy(kafka, tmp_path)
    setting = "listener.name.client.ssl.keystore.location"
    right = str(kafka.transport / Kind.BROKER / "broker-1" / KEY_AND_CERTIFICATE)
    kafka.set_broker(setting, str(expired / KEY_AND_CERTIFICATE))
    try:
        with pytest.raises(CertificateRefusedError, match=r"has expired\..*rotate certificates") as refused:
            await asyncio.wait_for(refused_in_the_end(of(kafka)), 30)
        assert refused.value.fault == "expired"
        found = (await line_findings(of(kafka), [UnitId("op")]))[-1]
        assert (found.check, found.status) == (Check.CERTIFICATE_EXPIRED, "fail")
    finally:
        kafka.set_broker(setting, right)
        await asyncio.wait_for(accepted_in_the_end(of(kafka)), 30)


def expired_copy(kafka: SecuredKafka, folder: Path) -> Path:
    """The broker's certificate as it was two years ago, under the same authority."""
    old = Authority(folder / "transport")
    (folder / "transport" / "authority").mkdir(parents=True)
    for file in (kafka.transport / "authority").iterdir():
        (old.folder / "authority" / file.name).write_bytes(file.read_bytes())
    then = datetime.now(UTC) - timedelta(days=730)
    return old.issue(Holder("broker-1", ("localhost", "127.0.0.1"), Kind.BROKER), at=then)


async def refused_in_the_end(connection: KafkaConnection) -> None:
    """Until the broker has taken over what it was told; raises the refusal."""
    while True:
        try:
            await connect(connection)
        except BrokerUnreachableError as error:
            if type(error) is not BrokerUnreachableError:  # else nothing but a time-out on a busy machine
                raise


async def accepted_in_the_end(connection: KafkaConnection) -> None:
    while True:
        try:
            return await connect(connection)
        except BrokerUnreachableError:
            continue


@pytest.mark.kafka
async def test_a_wrong_password_is_refused_without_showing_it(kafka: SecuredKafka) -> None:
    user = kafka.sign_in("adapter-poradna").user
    with pytest.raises(SignInRefusedError, match=f"refuses the user {user}") as refused:
        await connect(of(kafka, sign_in=lambda: SignIn(user, "guessed-it")))
    assert "guessed-it" not in str(refused.value)


@pytest.mark.kafka
async def test_a_password_file_that_others_can_read_is_refused_before_anything_is_sent(
    kafka: SecuredKafka, tmp_path: Path
) -> None:
    wide = tmp_path / "broker-sign-in"
    wide.write_text(kafka.sign_in("adapter-poradna").line())
    wide.chmod(0o640)
    with pytest.raises(SignInFileError, match="can be read by others"):
        await connect(of(kafka, sign_in=lambda: read_sign_in(wide)))


@pytest.mark.kafka
def test_the_operators_own_commands_get_in_and_say_what_is_wrong_where_they_do_not(
    kafka: SecuredKafka, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "transport")
    other.begin(at=datetime.now(UTC))
    settings = {
        "database": "dbname=not-asked",
        "bootstrap": kafka.broker.bootstrap,
        "security_protocol": "SASL_SSL",
        "broker_users": str(kafka.transport / "users"),
    }
    with pytest.raises(BrokerAwayError, match=r"authority that is not trusted here.*CA file"):
        kafka.command("trust-list", "publish", **settings, ca_file=str(other.trusted))
    told = kafka.command("trust-list", "publish", **settings, ca_file=str(kafka.authority.trusted))
    assert "sent, up to" in told


@pytest.mark.kafka
async def test_the_doctor_names_what_keeps_an_office_out_and_what_to_do_about_just_that(
    kafka: SecuredKafka, tmp_path: Path
) -> None:
    user, port = kafka.sign_in("adapter-poradna").user, kafka.broker.bootstrap.rpartition(":")[2]
    other = Authority(tmp_path / "transport")
    other.begin(at=datetime.now(UTC))
    wide = tmp_path / "broker-sign-in"
    wide.write_text(kafka.sign_in("adapter-poradna").line())
    wide.chmod(0o644)
    out_for: dict[Check, KafkaConnection] = {
        Check.CERTIFICATE_UNKNOWN: of(kafka, trusted=other.trusted),
        Check.CERTIFICATE_NAME: of(kafka, bootstrap=lambda: f"127.1:{port}"),
        Check.SIGN_IN: of(kafka, sign_in=lambda: SignIn(user, "guessed-it")),
        Check.SIGN_IN_FILE: of(kafka, sign_in=lambda: read_sign_in(wide)),
        Check.CA_FILE: of(kafka, trusted=tmp_path / "nowhere.pem"),
    }
    for check, connection in out_for.items():
        found = (await line_findings(connection, [UnitId("op")]))[-1]
        assert (found.check, found.status) == (check, "fail")
        for language in ("en", "cs", "pl"):
            assert "guessed-it" not in Words(language)[found.text].format(**found.details)
    right = await line_findings(of(kafka), [UnitId("op"), UnitId("up")])
    assert [(one.check, one.status) for one in right[-2:]] == [(Check.BROKER, "pass"), (Check.TOPICS, "fail")]
    assert right[-1].details["topics"] == "feed.up", "another institution's feed is not this user's to read"


async def test_tls_towards_somebody_who_does_not_speak_it_is_told_as_such(tmp_path: Path) -> None:
    async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 mail.example.org\r\n" * 4)
        await writer.drain()
        writer.close()

    authority = Authority(tmp_path)
    authority.begin(at=datetime.now(UTC))
    async with await asyncio.start_server(mumble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = KafkaConnection(
            bootstrap=lambda: f"127.0.0.1:{port}",
            security_protocol="SASL_SSL",
            sign_in=lambda: SignIn("unit", "password"),
            trusted=authority.trusted,
            request_timeout=2.0,
        )
        with pytest.raises(NoTlsError, match="does not speak TLS"):
            await connect(connection)


@pytest.mark.kafka
def test_no_password_is_in_a_log_a_setting_of_the_broker_or_a_command_line(kafka: SecuredKafka) -> None:
    passwords = [kafka.sign_in(user).password for user in kafka.users]
    broker = psutil.Process(kafka.broker._nodes[0].child.pid)
    told = " ".join([*broker.cmdline(), *broker.environ().values()])
    written = [*kafka.broker.data_dir.parent.glob("*.log"), *kafka.broker.data_dir.rglob("*.properties")]
    assert len(written) > 1
    read = told + "".join(path.read_text(errors="replace") for path in written)
    assert [one for one in passwords if one in read] == []


class Sending:
    """Somebody who sends without a pause while things are renewed; a single refusal ends it."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self.sent = 0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            async with BatchProducer(connection=self._connection) as producer:
                await producer.send([OutgoingRecord("hub.inbox", 0, None, b"still here")])
            self.sent += 1


def shown(kafka: SecuredKafka, port: int, client: Path) -> str:
    """The serial number that a listener shows to whoever signs in with this certificate; OSError where it is not accepted."""
    trust = ssl.create_default_context(cafile=str(kafka.authority.trusted))
    trust.load_cert_chain(client / CERTIFICATE, client / KEY)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as raw,
        trust.wrap_socket(raw, server_hostname="127.0.0.1") as speaking,
    ):
        speaking.sendall(API_VERSIONS)
        found = speaking.getpeercert()
        if not speaking.recv(1) or found is None:
            raise ConnectionResetError
        return str(found["serialNumber"])


async def until_accepted(kafka: SecuredKafka, port: int, client: Path) -> str:
    """Brokers take over what they were told within a moment."""
    while True:
        try:
            return await asyncio.to_thread(shown, kafka, port, client)
        except OSError:
            await asyncio.sleep(0.05)


def serial_of(kafka: SecuredKafka) -> int:
    """Of the certificate that the broker is to show."""
    pem = (kafka.transport / Kind.BROKER / "broker-1" / CERTIFICATE).read_bytes()
    return x509.load_pem_x509_certificate(pem).serial_number


@pytest.mark.kafka
async def test_passwords_and_authority_are_renewed_while_an_office_goes_on_sending(kafka: SecuredKafka) -> None:
    node = kafka.broker._nodes[0]
    stop, office = asyncio.Event(), Sending(of(kafka, request_timeout=20.0))
    sending = asyncio.create_task(office.run(stop))

    async def command(*arguments: str) -> None:
        await asyncio.to_thread(kafka.command, "transport", *arguments)

    old = kafka.sign_in("adapter-poradna")
    await command("rotate", "passwords")
    new = kafka.sign_in("adapter-poradna")
    assert (old.user, new.user) == ("adapter-poradna.1", "adapter-poradna.2")
    await connect(of(kafka, sign_in=lambda: old))  # works beside the new one
    await command("retire", "passwords")
    with pytest.raises(SignInRefusedError, match="may have been retired"):
        await connect(of(kafka, sign_in=lambda: old))

    only_old = kafka.home / "ca-before.pem"
    only_old.write_bytes(kafka.authority.trusted.read_bytes())
    await command("rotate", "authority")
    await command("load")
    newcomer = kafka.authority.issue(Holder("newcomer", kind=Kind.CLIENT), at=datetime.now(UTC))
    await asyncio.wait_for(until_accepted(kafka, node.internal_port, newcomer), 30)
    await connect(of(kafka, trusted=only_old))  # nobody shows the new authority's signature yet
    with pytest.raises(AuthorityError, match="in use: broker-1, operator"):
        await command("retire", "authority")
    await command("rotate", "certificates")
    await command("load")
    mine = kafka.transport / Kind.CLIENT / "operator"
    for port in (node.internal_port, node.controller_port):
        async with asyncio.timeout(30):
            while int(await until_accepted(kafka, port, mine), 16) != serial_of(kafka):
                continue
    with pytest.raises(CertificateRefusedError, match="not trusted here"):
        await asyncio.wait_for(refused_in_the_end(of(kafka, trusted=only_old)), 30)
    await command("retire", "authority")
    sent = office.sent
    await until(lambda: office.sent > sent or sending.done())
    stop.set()
    await sending  # raises what the office met, had it met anything
    assert kafka.authority.trusted.read_text().count("BEGIN CERTIFICATE") == 1


@pytest.mark.kafka
async def test_the_operators_page_works_as_it_stands_there(kafka: SecuredKafka) -> None:
    """Every command of `deploy/secured.md`, typed in its order on running brokers; afterwards everybody still gets in."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    typed = [line.split() for block in blocks for line in block.splitlines()]
    assert len(typed) > 10
    for program, *arguments in typed:
        assert program == "spojka-hub"
        await asyncio.to_thread(kafka.command, *arguments)
    for user in kafka.users:
        await connect(kafka.connection(user))


@pytest.mark.kafka
async def test_an_institution_that_leaves_can_no_longer_sign_in(kafka: SecuredKafka) -> None:
    user = kafka.sign_in("adapter-urad-prace").user
    kafka.command("trust-list", "dismiss", "up")
    told = kafka.command("transport", "apply")
    assert f"Dropped: {user}." in told
    await until(lambda: user not in kafka.access.users())
    await until(lambda: not [one for one in kafka.access.permissions() if one.principal == f"User:{user}"])


@pytest.mark.kafka
async def test_brokers_that_lost_everything_get_the_same_users_again(kafka: SecuredKafka) -> None:
    """No institution has to be given a new password because the operator's brokers were wiped."""
    before = {user: kafka.sign_in(user) for user in ("hub-intake", "adapter-poradna")}
    kafka.broker.wipe()
    kafka.command("transport", "apply")
    assert {user: kafka.sign_in(user) for user in before} == before
    await until(lambda: {one.user for one in before.values()} <= kafka.access.users())
