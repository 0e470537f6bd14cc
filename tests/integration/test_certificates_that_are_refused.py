"""Every line over TLS but those to brokers and databases, which have tests of their own: what must be refused is, and says what to do.

That is a certificate of a wrong authority, one that has run out, and one for another name.
We ask: receivers of webhooks, mail servers, outside witnesses, a ledger on the web. We serve: pages, the API, health and metrics.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from adapters.partners import mail as mail_room
from adapters.partners.mail import MailNotTakenError, give
from adapters.storage.webhooks import DeliveryState
from contracts.ledger.signed_note import Note
from hub.audit.watching import UnreachableError, fetch_from
from hub.infrastructure.outside_witness import OutsideWitness
from hub.infrastructure.transport import broker_access
from hub.infrastructure.transport.authority import CERTIFICATE, KEY, TRUSTED, Authority, Holder
from hub.infrastructure.transport.broker_access import BrokerAccess, BrokerAccessError
from projections.process.health import Guard, Health, HealthEndpoint, PortError
from projections.process.web_server import ServedAt, ServingError, WebServer
from tests.integration.api.api_rig import place_in
from tests.integration.api.test_webhooks import Sender
from tests.integration.kafka_rig import until
from tests.integration.test_partners_over_tls import post_office, question, settings_of
from tests.unit.hub.test_outside_witness import OUTSIDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRONG = {
    "of-a-wrong-authority": r"signed by an authority that is not trusted here\..*SSL_CERT_FILE",
    "run-out": r"has expired\..*can renew it",
    "for-another-name": r"is for another name\..*Write the address",
}
"""What is wrong with a certificate, and what whoever asked is told."""
NOW = datetime.now(UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority(tmp_path / "transport")
    authority.begin(at=NOW)
    return authority


@pytest.fixture(params=WRONG)
def wrong(request: pytest.FixtureRequest, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A certificate that must be refused, and by which words."""
    trusted = authority
    if request.param == "of-a-wrong-authority":
        trusted = Authority(authority.folder / "another")
        trusted.begin(at=NOW)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.folder / TRUSTED))
    host = "elsewhere.example" if request.param == "for-another-name" else "127.0.0.1"
    long_ago = NOW - timedelta(days=730)
    folder = authority.issue(Holder("server", (host,)), at=long_ago if request.param == "run-out" else NOW)
    return folder, WRONG[request.param]


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A web server of somebody else's: its address, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

        do_POST = do_GET  # noqa: N815 - http.server's own name

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_administrator_is_told_what_is_wrong_with_a_brokers_certificate(
    wrong: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_access, "_PATIENCE", 1.0)
    folder, words = wrong
    with served(folder) as (address, asked):
        sign_in = {
            "bootstrap.servers": address.removeprefix("https://"),
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "admin",
            "sasl.password": "secret",
            "ssl.ca.location": os.environ["SSL_CERT_FILE"],
        }
        with pytest.raises(BrokerAccessError, match=words.partition(r"\.")[0]):
            BrokerAccess(sign_in).users()
    assert asked == []


async def test_a_receiver_with_a_wrong_certificate_is_given_no_news(wrong: tuple[Path, str], tmp_path: Path) -> None:
    folder, words = wrong
    with served(folder) as (address, asked), place_in(tmp_path / "unit") as place:
        sender = Sender(place)
        sender.add("system", address)
        sender.happen("case-1")
        async with sender.sending(pauses=()):
            await until(lambda: bool(sender.deliveries(DeliveryState.DEAD)))
        (dead,) = sender.deliveries(DeliveryState.DEAD)
    assert re.search(words, dead.problem or ""), dead.problem
    assert asked == []


def test_a_mail_server_with_a_wrong_certificate_is_given_neither_password_nor_mail(
    wrong: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, words = wrong
    monkeypatch.setattr(mail_room, "is_loopback", lambda _host: False)
    with post_office(folder / CERTIFICATE, folder / KEY) as (office, port):
        settings = settings_of(tmp_path, port=port)
        with pytest.raises(MailNotTakenError, match=words):
            give(question(settings), settings)
    assert (office.signed_in, office.mails) == ([], [])


def test_an_outside_witness_with_a_wrong_certificate_is_asked_nothing(wrong: tuple[Path, str]) -> None:
    folder, words = wrong
    with served(folder) as (address, asked), capture_logs() as logs:
        witness = OutsideWitness.of(f"{OUTSIDER.key.text} {address}")
        assert witness.ask(Note("town/0\n0\n\n", ()), lambda _size: ()) == []
    (told,) = logs
    assert re.search(words, told["problem"]), told
    assert asked == []


def test_a_ledger_with_a_wrong_certificate_is_not_read(wrong: tuple[Path, str]) -> None:
    folder, words = wrong
    with served(folder) as (address, asked), pytest.raises(UnreachableError, match=words):
        fetch_from(address)("checkpoint")
    assert asked == []


FACES = ("pages and the API", "health and metrics")


@contextmanager
def face(name: str, folder: Path) -> Iterator[str]:
    """One of the two servers that all our faces are (`test_http_faces` lists them), under this certificate; yields its address."""
    if name == "health and metrics":
        guard = Guard(folder / CERTIFICATE, folder / KEY, "let-me-see")
        with HealthEndpoint(lambda: Health("pass"), port=0, guard=guard) as endpoint:
            yield f"https://127.0.0.1:{endpoint.port}/health"
        return
    at = ServedAt(
        name="The local API",
        host="127.0.0.1",
        port=0,
        port_setting="api_port",
        certificate=folder / CERTIFICATE,
        key=folder / KEY,
    )
    server, loop, stop = WebServer(Starlette(), at), asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=[server.run(stop)])
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.port}/"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.parametrize("name", FACES)
def test_whoever_asks_our_faces_refuses_a_wrong_authority_and_another_name(name: str, authority: Authority) -> None:
    right = authority.issue(Holder("here", ("127.0.0.1",)), at=NOW)
    other = Authority(authority.folder / "another")
    other.begin(at=NOW)
    with face(name, right) as address:
        assert asked_by(address, authority.trusted) in {200, 401, 404}
        with pytest.raises(httpx.ConnectError, match=r"CERTIFICATE_VERIFY_FAILED.*local issuer"):
            asked_by(address, other.trusted)
    elsewhere = authority.issue(Holder("elsewhere", ("elsewhere.example",)), at=NOW)
    with (
        face(name, elsewhere) as address,
        pytest.raises(httpx.ConnectError, match=r"CERTIFICATE_VERIFY_FAILED.*mismatch"),
    ):
        asked_by(address, authority.trusted)


@pytest.mark.parametrize("name", FACES)
def test_a_face_does_not_start_under_a_certificate_that_has_run_out_and_says_what_to_do(
    name: str, authority: Authority
) -> None:
    run_out = authority.issue(Holder("here", ("127.0.0.1",)), at=NOW - timedelta(days=730))
    with pytest.raises((ServingError, PortError), match=r"has expired \(.*Have a new one made"), face(name, run_out):
        pass


def asked_by(address: str, trusted: Path) -> int:
    """The status that somebody gets who trusts this authority alone."""
    return httpx.get(address, verify=ssl.create_default_context(cafile=trusted)).status_code
