"""Our own adapter, enrolled in the kit's programme by its own commands and running beside the test; and its users, who act at once."""

import json
import shlex
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, UnixStreamServer

from contracts.names import UnitId
from tests.conformance import own_adapter_act, pass_wish
from tests.conformance.operated_hub import ROOT, command, run


@contextmanager
def enrolled(home: Path, *kind: str, programme: str, unit: str, **settings: str) -> Iterator[Path]:
    """Runs with these settings; yields its request for admission. `kind` is passed to the kit's `first-list`."""
    home.mkdir()
    named = ("--programme", programme, *kind)
    first = run(*command("adapters.conformance.commands", "first-list", *named))
    (home / "trust-list-1.dsse.json").write_text(first)
    lines = {"programme": programme, **settings}
    written = "".join(f'{name} = "{value}"\n' for name, value in lines.items())
    (home / "adapter.toml").write_text(f"{written}health_port = 0\n")
    institution = ("--institution", "ngo", "--institution-name", "An NGO", "--name", "Advice", "--home", str(home))
    request = home / "request.json"
    request.write_text(run(*command("adapters.commands", "enrol", unit, *institution)))
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command("adapters.commands", "run", "--home", str(home)), cwd=ROOT, stderr=log)
        try:
            yield request
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def users(home: Path, unit: str) -> Iterator[str]:
    """The shell command by which the kit has them act: as `own_adapter_act`, which this spares its start for each act."""

    class Act(StreamRequestHandler):
        def handle(self) -> None:
            try:
                self.wfile.write(own_adapter_act.done(home, UnitId(unit), json.loads(self.rfile.read())))
            except Exception:  # noqa: BLE001 - whatever it is, the kit is told
                self.wfile.write(b"!" + traceback.format_exc().encode())

    with tempfile.TemporaryDirectory() as folder, UnixStreamServer(f"{folder}/acts", Act) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield shlex.join((sys.executable, "-S", "-E", str(pass_wish.__file__), f"{folder}/acts"))
        finally:
            server.shutdown()
