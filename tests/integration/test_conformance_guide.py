"""The vendor's guide is true: its commands do what it says, in its order, as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conformance.operated_hub import ROOT

GUIDE = ROOT / "adapters" / "conformance" / "README.md"
SCRIPTS = {"spojka-conformance": "adapters.conformance.commands", "spojka-adapter": "adapters.commands"}


def test_a_vendor_who_types_what_the_guide_says_ends_with_a_passing_adapter(tmp_path: Path) -> None:
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL))
    for name, module in SCRIPTS.items():
        script = tmp_path / name
        script.write_text(
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom {module} import main\nmain()\n"
        )
        script.chmod(0o755)
    path = os.pathsep.join((str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]))
    # What it leaves running ends with the shell.
    typed = f"set -eu\ntrap 'kill $(jobs -p)' EXIT\n{commands}\n"
    environment = os.environ | {
        "PATH": path,
        "TMPDIR": str(tmp_path),
        "COLUMNS": "200",
        "SPOJKA_CONFORMANCE_PATIENCE": "90",
    }
    done = subprocess.run(
        ["/bin/bash", "-c", typed],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "broken" not in done.stdout
    assert "FEED-13" in done.stdout
