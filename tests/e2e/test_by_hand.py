"""What the pages tell a newcomer to type works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BY_HAND = (REPOSITORY / "deploy" / "by-hand.md").read_text(encoding="utf-8")
INLINE = re.compile(r"`([^`\n]+)`")
TIDY = "trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT\nset -eu\n"


@pytest.mark.embedded
@pytest.mark.postgres
@pytest.mark.timeout(240)
def test_a_hub_and_two_units_set_up_by_hand_exchange_a_referral(tmp_path: Path) -> None:
    script = TIDY + "\n".join(re.findall(r"^```sh\n(.*?)^```$", BY_HAND, flags=re.MULTILINE | re.DOTALL))
    script = script.replace("$(mktemp -d)", str(tmp_path))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPOJKA_")}
    done = subprocess.run(
        ["/bin/bash", "-c", script], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    logs = "".join(path.read_text(errors="replace")[-3000:] for path in tmp_path.rglob("*.log"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    assert "accepted" in done.stdout
    assert "Traceback" not in done.stderr + logs
    assert [
        one.pid for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(one.info["cmdline"] or [])
    ] == []


def test_every_command_and_file_that_the_readme_names_is_there() -> None:
    named = INLINE.findall(README) + re.findall(r"^ {4}(\./\S+)", README, flags=re.MULTILINE)
    paths = [one for one in named if "/" in one and not one.startswith("./") and " " not in one]
    assert [one for one in paths if not (REPOSITORY / one).exists()] == []
    commands = [one for one in named if one.startswith(("spojka-", "./"))]
    assert len(commands) > 5
    for command in commands:
        first, *rest = command.split()
        program = REPOSITORY / first if first.startswith("./") else REPOSITORY / ".venv" / "bin" / first
        arguments = rest if rest and first.startswith("spojka-") else ["--help"]
        done = subprocess.run([program, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert (done.returncode, bool(done.stdout.strip())) == (0, True), command
