"""Every HTTP face of the programme, enumerated: what listens, who may ask, and what is open on purpose.

The faces that want a token are tried route by route where they live (`api/test_who_is_let_in.py`, `audit_page/test_who_is_let_in.py`), health and
metrics in `test_health_from_elsewhere.py`. Here: that there is no other.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from adapters.partners.page import HEADERS, create_page
from adapters.settings import AdapterSettings
from hub.entrypoints.settings import HubSettings
from projections.process.health import Health, HealthEndpoint, PortError

_ROOT = Path(__file__).resolve().parents[2]
_LISTENERS = {
    "uvicorn",
    "http.server",
    "socketserver",
    "wsgiref",
    "wsgiref.simple_server",
    "xmlrpc.server",
    "aiohttp.web",
}
_CALLS = {"start_server", "start_unix_server", "create_server", "listen", "start_http_server", "start_wsgi_server"}
SERVERS = {"projections/process/health.py", "projections/process/web_server.py"}
"""What can listen at all."""
FACES = {
    "hub/entrypoints/running.py": "health and metrics: TLS and token, or loopback; open there on purpose, they tell counts and coded states",
    "hub/entrypoints/keys/running.py": "health and metrics, likewise",
    "adapters/process/runtime.py": "health and metrics: loopback only, open on purpose",
    "adapters/running.py": "health and metrics beside the API: loopback only, open on purpose",
    "adapters/api/server.py": "API: a token at every route",
    "adapters/partners/server.py": "answer page: a link with a secret that works once",
    "hub/audit/page/server.py": "auditor's page: a session that a token opens",
}
"""Who serves what, and what it wants. The ledger's tiles are files: no server of ours."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in ("contracts", "projections", "adapters", "hub"):
        for file in sorted((_ROOT / package).rglob("*.py")):
            yield str(file.relative_to(_ROOT)), ast.parse(file.read_text(encoding="utf-8"))


def listens(tree: ast.Module) -> bool:
    """Whether a module could open a port by itself."""
    for node in ast.walk(tree):
        names = {one.name for one in node.names} if isinstance(node, ast.Import) else set()
        names |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
        asked = node.func if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        called = asked is not None and asked.attr in _CALLS and ast.unparse(asked.value) != "event"  # SQLAlchemy's own
        if names & _LISTENERS or called:
            return True
    return False


def calls(tree: ast.Module, names: set[str]) -> bool:
    """Whether a module makes one of these."""
    made = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(isinstance(one, ast.Name) and one.id in names for one in made)


def test_nothing_listens_but_the_faces_that_are_listed() -> None:
    found = dict(sources())
    assert {name for name, tree in found.items() if listens(tree)} == SERVERS
    assert {name for name, tree in found.items() if calls(tree, {"WebServer", "HealthEndpoint"})} == set(FACES)


@pytest.mark.parametrize("face", ["api", "answer"])
def test_a_unit_serves_nobody_beyond_its_machine_in_clear(face: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="certificate"):
        AdapterSettings(home=tmp_path, programme="decin", bootstrap="127.0.0.1:1", **{f"{face}_host": "192.0.2.7"})  # type: ignore[arg-type] # named by its parameter


def test_auditors_and_monitoring_are_served_by_nobody_beyond_this_machine_in_clear(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="tokens would cross the network in clear"):
        HubSettings(home=tmp_path, audit_host="192.0.2.7")
    with pytest.raises(PortError, match="TLS and a token"):
        HealthEndpoint(lambda: Health("pass"), port=0, host="192.0.2.7")


def test_the_answer_page_answers_nobody_without_a_link_whatever_is_asked() -> None:
    browser = TestClient(create_page([]), raise_server_exceptions=False)
    asked = [
        ("GET", "/"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/metrics"),
        ("GET", "/health"),
        ("PUT", "/a/x"),
    ]
    asked += [(method, f"/a/{'A' * 43}") for method in ("GET", "POST")]
    answers = [browser.request(method, path) for method, path in asked]
    assert {(one.status_code, one.content) for one in answers} == {(404, answers[0].content)}
    assert all(
        HEADERS.items() <= dict(one.headers).items() or one.headers["cache-control"] == "no-store" for one in answers
    )
