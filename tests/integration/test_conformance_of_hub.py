"""Our own hub passes the conformance kit, admitted and run by its operator's commands; where content is sealed, with its key service."""

import json
import subprocess
from pathlib import Path

from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.postgres import PostgresServer
from tests.conformance.operated_hub import ROOT, OperatedHub, OperatedKeys, command, run

KIT = "adapters.conformance.commands"


def requests(folder: Path, programme: str) -> list[Path]:
    """What the kit's units ask the operator for."""
    made = run(*command(KIT, "units", "--folder", str(folder), "--programme", programme))
    return [Path(one) for one in made.split()]


def found(hub: OperatedHub, units: Path) -> dict[str, tuple[str, list[str]]]:
    """Outcome and evidence by requirement."""
    done = subprocess.run(
        command(
            KIT, "hub", "--json", "--patience", "90", "--bootstrap", hub.bootstrap,
            "--trust-list", str(hub.newest_list), "--keys", str(units),
        ),
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return {one["id"]: (one["outcome"], one["evidence"]) for one in json.loads(done.stdout)["requirements"]}


def test_our_own_hub_passes_so_an_adapter_made_by_the_kit_finds_what_it_expects(
    tmp_path: Path, quick_database: str, embedded_broker: EmbeddedBroker
) -> None:
    hub = OperatedHub(tmp_path / "hub", quick_database, embedded_broker.bootstrap)
    hub.create()
    hub.admit(*requests(tmp_path / "units", hub.programme))
    with hub.running():
        outcomes = found(hub, tmp_path / "units")
    assert {name: one for name, one in outcomes.items() if one[0] != "held"} == {}
    assert "HUB-15" in outcomes


def test_our_own_hub_and_key_service_release_what_was_given_and_nothing_else_where_content_is_sealed(
    tmp_path: Path, quick_postgres_server: PostgresServer, quick_database: str, embedded_broker: EmbeddedBroker
) -> None:
    hub = OperatedHub(tmp_path / "hub", quick_database, embedded_broker.bootstrap)
    hub.create(trial=False)
    quick_postgres_server.create_database("kit_keys")
    try:
        keys = OperatedKeys(tmp_path / "keys", quick_postgres_server.dsn("kit_keys"), hub)
        keys.create()
        hub.admit(*requests(tmp_path / "units", hub.programme))
        with hub.running(), keys.running():
            outcomes = found(hub, tmp_path / "units")
    finally:
        quick_postgres_server.drop_database("kit_keys")
    assert {name: one for name, one in outcomes.items() if one[0] != "held" and name != "HUB-16"} == {}
    assert "HUB-23" in outcomes
