"""Our own hub passes the conformance kit, admitted and run by its operator's commands."""

import json
import subprocess
from pathlib import Path

from deploy.servers.embedded_broker import EmbeddedBroker
from tests.conformance.operated_hub import ROOT, OperatedHub, command, run

KIT = "adapters.conformance.commands"


def test_our_own_hub_passes_so_an_adapter_made_by_the_kit_finds_what_it_expects(
    tmp_path: Path, quick_database: str, embedded_broker: EmbeddedBroker
) -> None:
    hub = OperatedHub(tmp_path / "hub", quick_database, embedded_broker.bootstrap)
    hub.create()
    requests = run(*command(KIT, "units", "--folder", str(tmp_path / "units"), "--programme", hub.programme)).split()
    hub.admit(*map(Path, requests))
    with hub.running():
        done = subprocess.run(
            command(
                KIT, "hub", "--json", "--patience", "90", "--bootstrap", hub.bootstrap,
                "--trust-list", str(hub.newest_list), "--keys", str(tmp_path / "units"),
            ),
            cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = {one["id"]: one["outcome"] for one in json.loads(done.stdout)["requirements"]}
    assert set(outcomes.values()) == {"held"}
