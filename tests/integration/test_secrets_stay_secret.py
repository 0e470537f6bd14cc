"""No key, password or word of a client stands in a log, a traceback or the list of processes: real processes, at the debug level, that crash."""

import contextlib
import json
import subprocess
import sys
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import psycopg
import pytest

from contracts.categories import Category
from contracts.messages.consent import ConsentContent
from contracts.messages.need import NeedAssessed, NeedContent
from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.postgres import PostgresServer
from tests.integration.hub_rig import FeedEnd, HubRig
from tests.integration.kafka_rig import until
from tests.integration.key_rig import KeyRig, keyring, outgoing
from tests.simulation.sealed import SealedSimulation
from tests.simulation.sealed_said import housing_consent

_DATABASE = "keys_of_secrets"
_PATIENCE = 120.0
_FINDING = "Dluží nájem za tři měsíce"
_LOUD = """
import logging
from functools import partial
import {module} as told
import {commands} as commands
told.set_up_logs = partial(told.set_up_logs, level=logging.DEBUG)
commands.main()
"""
_HUB = _LOUD.format(module="hub.entrypoints.cli.running", commands="hub.entrypoints.commands")
_KEYS = _LOUD.format(module="hub.entrypoints.keys.commands", commands="hub.entrypoints.keys.commands")


class Loud(KeyRig):
    """A hub and its key service that log all that they can."""

    def run(self, name: str) -> None:
        program, arguments = (_KEYS, ()) if name == "keys" else (_HUB, ("--role", name))
        environment = self.environment if name == "keys" else self.hub.environment
        with (self.hub.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-c", program, "run", *arguments]
            self.hub.processes[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def secrets(self) -> dict[str, bytes]:
        """Everything that must show nowhere, by what it is."""
        folder = self.hub.folder
        found: dict[str, bytes] = {}
        for home in ("hub", "keys-home"):
            for file in (folder / home / "keys").glob("*.key"):
                found[f"{home}/{file.name}"] = bytes.fromhex(json.loads(file.read_text())["seed"])
        for name, key in json.loads((folder / "keys-home" / "kek.json").read_text())["keys"].items():
            found[name] = b64decode(key)
        for file in self.hub.users.iterdir():
            found[f"password of {file.name}"] = file.read_text().strip().rpartition(":")[2].encode()
        found |= {f"content key {scope}": key.secret for (_, _, scope, _), key in self.simulation.made.items()}
        found["deposit key"] = self.simulation.deposit_key.private_bytes
        found["finding"] = _FINDING.encode()
        return found


@pytest.fixture
def rig(
    tmp_path: Path, quick_postgres_server: PostgresServer, quick_database: str, embedded_broker: EmbeddedBroker
) -> Iterator[Loud]:
    with contextlib.suppress(psycopg.errors.DuplicateDatabase):
        quick_postgres_server.create_database(_DATABASE)
    simulation = SealedSimulation()
    try:
        with HubRig(tmp_path, quick_database, embedded_broker.bootstrap, (), simulation) as hub:
            keys = Loud(hub, quick_postgres_server.dsn(_DATABASE), simulation)
            keys.prepare()
            yield keys
    finally:
        quick_postgres_server.drop_database(_DATABASE)


async def test_no_secret_stands_in_a_log_a_traceback_or_the_list_of_processes(rig: Loud) -> None:
    hub, units = rig.hub, rig.simulation
    for name in ("intake", "dispatch", "ledger", "keys"):
        rig.run(name)
    units.seal("op", housing_consent(units), ConsentContent(evidence="on paper"))
    content = NeedContent(finding=_FINDING)
    entry = units.seal("op", NeedAssessed(dimension="housing"), content, category=Category.HOUSING)
    await hub.send([outgoing(record) for record in units.said])
    async with FeedEnd(hub, "md") as md:
        await md.deliveries_of([entry])
        await until(lambda: keyring(units, md, "md").opened(units.sent(entry)) is not None, within=_PATIENCE)
    shown = "\n".join(line for process in hub.processes.values() for line in seen_of(process.pid))
    assert shown.count(" run") == len(hub.processes)
    for name in ("dispatch", "keys"):
        hub.stop(name)
    crash(rig)
    for name in ("dispatch", "keys"):
        rig.run(name)
    await until(lambda: said(rig, "dispatch", "Error") and said(rig, "keys", "Error"), within=_PATIENCE)
    logs = {file.name: file.read_bytes() for file in hub.folder.glob("*.log")}
    assert b'"level": "debug"' in b"".join(logs.values())
    assert [(what, place) for what, secret in rig.secrets().items() for place in places(secret, logs, shown)] == []


def crash(rig: Loud) -> None:
    """What the log holds of the client no longer reads, and both that follow it begin again at its start, without remembering anything."""
    for mark in rig.hub.folder.glob("*/marks/*"):
        mark.unlink()
    with psycopg.connect(rig.hub.dsn, options="-c search_path=shard_0") as connection:
        connection.execute("UPDATE log SET state = substr(state, 1, length(state) - 9) WHERE position > 0")
        connection.execute("UPDATE relay SET position = 0, produced = 0")
    with psycopg.connect(rig.database, options="-c search_path=shard_0") as connection:
        connection.execute("UPDATE state SET position = 0")


def said(rig: Loud, name: str, word: str) -> bool:
    """Whether a process has said it."""
    return word in (rig.hub.folder / f"{name}.log").read_text()


def seen_of(pid: int) -> Sequence[str]:
    """What the list of processes shows of one, and what its own user may read of its settings."""
    process = psutil.Process(pid)
    return [" ".join(process.cmdline()), *process.environ().values()]


def places(secret: bytes, logs: dict[str, bytes], shown: str) -> list[str]:
    """Where a secret stands, as it is, in hexadecimal, or in base64."""
    forms = {
        secret,
        secret.hex().encode(),
        *(code(secret).rstrip(b"=") for code in (b64encode, urlsafe_b64encode)),
        json.dumps(secret.decode(errors="replace"))[1:-1].encode(),
        repr(secret)[2:-1].encode(),
    }
    found = [name for name, content in logs.items() if any(form in content for form in forms)]
    return found + ["processes"] * any(form in shown.encode(errors="replace") for form in forms)
