"""Our own adapter, enrolled in the kit's programme by its own commands and running beside the test."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
