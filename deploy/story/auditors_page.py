"""The auditor's page of the played programme, for whoever tries it out: started after the play, so that the play itself takes no longer.

Invariant: it ends with whoever started it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from typer.testing import CliRunner

from deploy.servers.child import Child
from deploy.servers.ports import LOOPBACK, free_port
from deploy.story.errors import CommandError
from deploy.story.premises import Premises
from hub.audit import commands

_BIN: Final = Path(sys.executable).parent
_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_PATIENCE: Final = 60.0
AUDITOR: Final = "demo"


@contextmanager
def auditors_page(premises: Premises) -> Iterator[tuple[str, str]]:
    """Address and token, as long as it runs. Raises `CommandError`, `ServerStartError`."""
    port = free_port()
    environment = {**premises.hub_environment, "SPOJKA_HUB_AUDIT_PORT": str(port)}
    done = CliRunner().invoke(commands.app, ["token", "new", AUDITOR, "--days", "1"], env=environment)
    if done.exit_code != 0:
        raise CommandError("spojka-audit token new", output=f"{done.output}\n{done.exception}")
    page = Child("The auditor's page", log=premises.logs / "audit-page.log")
    page.start([str(_BIN / "spojka-audit"), "serve"], folder=_REPOSITORY, environment=environment)
    try:
        address = f"http://{LOOPBACK}:{port}/"
        page.wait_until(lambda: _served(address), within=_PATIENCE)
        yield address, done.stdout.strip()
    finally:
        page.stop()


def _served(address: str) -> bool | None:
    try:
        with urlopen(f"{address}sign-in"):  # noqa: S310 - our own page, on this machine
            return True
    except URLError:
        return None
