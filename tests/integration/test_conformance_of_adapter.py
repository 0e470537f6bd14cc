"""Our own adapter passes the conformance kit, as a vendor's would: another process, its own commands."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.servers.embedded_broker import EmbeddedBroker
from tests.conformance.operated_hub import ROOT, command, run

PROGRAMME = "conformance"


@contextmanager
def our_adapter(home: Path, bootstrap: str) -> Iterator[None]:
    """Enrolled in the kit's programme, and running."""
    home.mkdir()
    first = run(*command("adapters.conformance.commands", "first-list", "--programme", PROGRAMME))
    (home / "trust-list-1.dsse.json").write_text(first)
    (home / "adapter.toml").write_text(f'programme = "{PROGRAMME}"\nbootstrap = "{bootstrap}"\nhealth_port = 0\n')
    named = ("--institution", "ngo", "--institution-name", "An NGO", "--name", "Advice", "--home", str(home))
    (home / "request.json").write_text(run(*command("adapters.commands", "enrol", "advice", *named)))
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command("adapters.commands", "run", "--home", str(home)), cwd=ROOT, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def test_our_own_adapter_passes_so_a_vendor_is_asked_for_nothing_that_we_do_not_do(
    tmp_path: Path, embedded_broker: EmbeddedBroker
) -> None:
    home = tmp_path / "adapter"
    with our_adapter(home, embedded_broker.bootstrap):
        done = subprocess.run(
            command(
                "adapters.conformance.commands", "adapter", "--json", "--patience", "90",
                "--bootstrap", embedded_broker.bootstrap, "--programme", PROGRAMME,
                "--admission", str(home / "request.json"),
                "--act", f"{sys.executable} -m tests.conformance.own_adapter_act {home} advice",
            ),
            cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = {one["id"]: one["outcome"] for one in json.loads(done.stdout)["requirements"]}
    assert set(outcomes.values()) == {"held"}
