"""The commands of the connectors' README, run as they stand by a shell, in the folder of a volunteer."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.integration.test_referral_sheet import PRAGUE, write_sheet
from tests.simulation.office import Office, open_office

ROOT = Path(__file__).parents[2]
README = ROOT / "adapters" / "connectors" / "README.md"
SHELL = 'spojka-adapter() { "$PYTHON" -c "from adapters.commands import main; main()" "$@"; }\n'


def commands() -> list[str]:
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", README.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    (tmp_path / "home").mkdir()
    (tmp_path / "town").mkdir()
    found = open_office(tmp_path / "home", tmp_path / "town")
    found.move_to(datetime(2026, 2, 12, 9, tzinfo=PRAGUE))
    yield found
    found.town.close()


def test_every_command_of_the_documentation_works_as_it_stands(office: Office, tmp_path: Path) -> None:
    write_sheet(tmp_path / "predani.xlsx")
    given = commands()
    assert len(given) == 9
    environment = os.environ | {
        "SPOJKA_ADAPTER_HOME": str(office.home),
        "PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
    }
    for command in given:
        done = subprocess.run(
            ["/bin/bash", "-c", SHELL + command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        to_mend = command.startswith("spojka-adapter map check") and "predani.xlsx" in command
        assert done.returncode in ({0, 1} if to_mend else {0}), (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, (command, done.stderr)
    assert {"predani-odpovedi.xlsx", "moje.yaml", "mapping.schema.json"} <= {one.name for one in tmp_path.iterdir()}
