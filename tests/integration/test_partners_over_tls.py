"""What goes to partners over TLS: the e-mail by STARTTLS to a mail server elsewhere, and the answer page under a certificate of its own."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from adapters import keyring
from adapters.partners import mail as mail_room
from adapters.partners.mail import MailNotTakenError, Sender, give, written
from adapters.partners.server import AnswerServer
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.settings import AdapterSettings, load_settings, unit_folder
from adapters.storage.partner_mails import PartnerMail
from contracts.categories import Category
from contracts.names import ReferralId, SubjectId, UnitId
from deploy.servers.ports import free_port
from tests.certified import certified
from tests.simulated_hub import NOON, PROGRAMME, SUBJECT, SimulatedHub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

OP = UnitId("op")
PASSWORD = "known-to-this-test-alone"


@dataclass
class PostOffice:
    """A mail server that knows one user, and notes under what each e-mail and each sign-in came."""

    mails: list[bool] = field(default_factory=list)
    """Of each e-mail: whether it came under TLS."""
    signed_in: list[bool] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, session: Any, _envelope: Any) -> str:  # noqa: N802, ANN401 - aiosmtpd's own name
        self.mails.append(session.ssl is not None)
        return "250 OK"

    def knows(self, _server: Any, session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:  # noqa: ANN401 - aiosmtpd's
        self.signed_in.append(session.ssl is not None)
        right = data == LoginPassword(b"op", PASSWORD.encode())
        return AuthResult(success=right)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine stands for another one, to which nothing may go in clear."""
    monkeypatch.setattr(mail_room, "is_loopback", lambda _host: False)


@contextmanager
def post_office(certificate: Path, key: Path) -> Iterator[tuple[PostOffice, int]]:
    office, context = PostOffice(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    controller = Controller(
        office, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True,
        auth_required=True, authenticator=office.knows,
    )  # fmt: skip
    controller.start()
    try:
        yield office, controller.port
    finally:
        controller.stop()


def settings_of(home: Path, *, port: int) -> AdapterSettings:
    lines = {
        "programme": PROGRAMME,
        "bootstrap": "localhost:1",
        "mail_host": "127.0.0.1",
        "mail_from": "op@example.org",
        "mail_username": "op",
        "mail_password": PASSWORD,
        "answer_url": "https://answers.example.org",
    }
    toml = "".join(f'{name} = "{value}"\n' for name, value in lines.items())
    (home / "adapter.toml").write_text(f"{toml}mail_port = {port}\n")
    return load_settings(home)


def question(settings: AdapterSettings) -> EmailMessage:
    mail = PartnerMail(
        mail_id="0" * 32,
        referral_id=ReferralId("00000000-0000-7000-8000-000000000001"),
        subject=SubjectId(SUBJECT),
        category=Category.HOUSING,
        address="help@foodbank.example",
        partner="Food bank",
        language="en",
        asked_at=NOON,
        expires_at=NOON,
        next_attempt_at=NOON,
    )
    return written(mail, "A" * 59, settings=settings, sender=Sender("Advice", "2026-03-01"))


@pytest.mark.usefixtures("elsewhere")
def test_mail_and_password_reach_a_mail_server_elsewhere_under_tls_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with post_office(certificate, key) as (office, port):
        settings = settings_of(tmp_path, port=port)
        give(question(settings), settings)
    assert (office.signed_in, office.mails) == ([True], [True])


@pytest.mark.usefixtures("elsewhere")
def test_a_mail_server_that_nobody_here_trusts_is_given_neither_password_nor_mail(tmp_path: Path) -> None:
    with post_office(*certified(tmp_path)) as (office, port):
        settings = settings_of(tmp_path, port=port)
        with pytest.raises(MailNotTakenError, match="authority that is not trusted here"):
            give(question(settings), settings)
    assert (office.signed_in, office.mails) == ([], [])


@contextmanager
def served(house: UnitHouse) -> Iterator[int]:
    """The page, as its command serves it."""
    server = AnswerServer(house.settings, [house])
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=[server.run(stop)])
    thread.start()
    try:
        yield server.port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def test_the_answer_page_speaks_tls_alone_where_it_has_a_certificate(tmp_path: Path) -> None:
    keys = {OP: keyring.create(unit_folder(tmp_path, OP) / KEYS, OP)}
    (tmp_path / "trust-list-1.dsse.json").write_bytes(SimulatedHub(unit_keys=keys).envelopes[0])
    certificate, key = certified(tmp_path)
    (tmp_path / "adapter.toml").write_text(
        f'programme = "{PROGRAMME}"\nbootstrap = "localhost:1"\nanswer_port = 0\n'
        f'answer_certificate = "{certificate.name}"\nanswer_key = "{key.name}"\n'
    )
    house = UnitHouse.open(load_settings(tmp_path), OP)
    link, trusted = "/a/" + "A" * 59, ssl.create_default_context(cafile=certificate)
    with served(house) as port:
        told = httpx.get(f"https://127.0.0.1:{port}{link}", verify=trusted)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}{link}")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"https://127.0.0.1:{port}{link}")
    house.close()
    assert told.status_code == 404
    assert "max-age" in told.headers["strict-transport-security"]
