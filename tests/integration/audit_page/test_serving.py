"""`spojka-audit serve` as the operator types it: a process that speaks TLS, ends when it is asked to, and names nobody in its log."""

from __future__ import annotations

import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from hub.audit.page.server import AuditServer
from hub.entrypoints.settings import SettingsError
from tests.certified import certified
from tests.integration.audit_page.page_rig import house_of
from tests.simulation.programme import KAREL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.audit_page.page_rig import Page

pytestmark = pytest.mark.embedded
SERVE = (sys.executable, "-c", "from hub.audit.commands import main; main()", "serve")


def test_it_is_served_over_tls_until_it_is_asked_to_end_and_logs_nobody(page: Page, tmp_path: Path) -> None:
    certificate, key = certified(tmp_path)
    settings = {"AUDIT_PORT": "0", "AUDIT_CERTIFICATE": str(certificate), "AUDIT_KEY": str(key)}
    environment = page.hub.environment | {f"SPOJKA_HUB_{name}": value for name, value in settings.items()}
    process = subprocess.Popen(SERVE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    assert address.startswith("https://127.0.0.1:")
    token, trust = page.tokens.issue("dpo-1").text, ssl.create_default_context(cafile=str(certificate))
    with httpx.Client(base_url=address, verify=trust, timeout=30) as browser:
        sent = {"token": token, "purpose": "incident", "next": f"/clients/{KAREL}"}
        answer = browser.post("/sign-in", data=sent)
        assert "; secure" in answer.headers["set-cookie"].lower()
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert browser.get(answer.headers["location"]).status_code == 200
    with pytest.raises(httpx.HTTPError):
        httpx.get(address.replace("https", "http"))
    process.terminate()
    _, logged = process.communicate(timeout=30)
    assert process.returncode == 0, logged
    assert "audit-page.signed-in" in logged
    assert [one for one in (KAREL, token, "dpo-1", "/clients") if one in logged] == []


def test_a_key_that_others_may_read_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    certificate, key = certified(tmp_path)
    key.chmod(0o644)
    with pytest.raises(SettingsError, match="Others may read"):
        AuditServer(house_of(page.hub, audit_certificate=certificate, audit_key=key))
