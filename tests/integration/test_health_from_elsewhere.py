"""Health and metrics where other machines may ask: TLS and a token, or nothing starts."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from hub.entrypoints.face_guard import guard_of
from hub.entrypoints.settings import SettingsError, load_settings
from hub.infrastructure.transport.authority import CERTIFICATE, KEY, Authority, Holder
from hub.infrastructure.transport.secret_files import SecretFileError, write_secret
from projections.process.health import Guard, Health, HealthEndpoint, PortError


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    authority = Authority(tmp_path)
    authority.begin(at=datetime.now(UTC))
    folder = authority.issue(Holder("hub", ("127.0.0.1",)), at=datetime.now(UTC))
    return Guard(folder / CERTIFICATE, folder / KEY, "let-me-see")


@pytest.fixture
def endpoint(guard: Guard) -> Iterator[HealthEndpoint]:
    with HealthEndpoint(lambda: Health("pass"), port=0, guard=guard) as endpoint:
        yield endpoint


def asked(endpoint: HealthEndpoint, trusted: Path, path: str, token: str | None) -> int:
    trust = ssl.create_default_context(cafile=str(trusted))
    line = HTTPSConnection("127.0.0.1", endpoint.port, context=trust, timeout=10)
    line.request("GET", path, headers={} if token is None else {"Authorization": f"Bearer {token}"})
    return line.getresponse().status


@pytest.mark.parametrize("path", ["/health", "/metrics"])
def test_who_shows_no_token_or_another_is_told_nothing(endpoint: HealthEndpoint, tmp_path: Path, path: str) -> None:
    found = [asked(endpoint, tmp_path / "ca.pem", path, token) for token in (None, "guessed", "let-me-see")]
    assert found == [401, 401, 200]


def test_nothing_is_said_in_clear_and_who_is_silent_holds_nobody_up(endpoint: HealthEndpoint, tmp_path: Path) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=10) as silent:
        with socket.create_connection(("127.0.0.1", endpoint.port), timeout=10) as clear:
            clear.sendall(b"GET /metrics HTTP/1.0\r\nAuthorization: Bearer let-me-see\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert b"HTTP" not in clear.recv(1024)
        assert asked(endpoint, tmp_path / "ca.pem", "/health", "let-me-see") == 200
        silent.close()


def test_beyond_this_machine_nothing_listens_without_a_guard(tmp_path: Path, guard: Guard) -> None:
    with pytest.raises(PortError, match="wants TLS and a token"):
        HealthEndpoint(lambda: Health("pass"), port=0, host="0.0.0.0")  # noqa: S104 - that is the question
    home = {"home": tmp_path / "hub", "host": "0.0.0.0"}  # noqa: S104 - as above
    with pytest.raises(SettingsError, match="open to others"):
        guard_of(load_settings(**home))
    token = tmp_path / "token"
    write_secret(token, b"let-me-see\n")
    whole = {**home, "host_certificate": guard.certificate, "host_key": guard.key, "host_token_file": token}
    made = guard_of(load_settings(**whole))
    assert made is not None
    assert made.lets_in("Bearer let-me-see")
    assert "let-me-see" not in repr(made)
    token.chmod(0o644)
    with pytest.raises(SecretFileError, match="can be read by others"):
        guard_of(load_settings(**whole))
