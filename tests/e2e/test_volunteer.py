"""What a volunteer types, from an empty folder: ten referrals of a sheet reach another office, three wrong rows are mended, answers come back."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import psutil
import pytest
from openpyxl import load_workbook

from tests.integration.test_referral_sheet import write_sheet

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "adapters" / "volunteer.md").read_text(encoding="utf-8")
THE_OTHERS = """
trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT
set -eu
export PATH="{repository}/.venv/bin:$PATH" PYTHONPATH="{repository}"
cd "{folder}"
python -m deploy.servers.trying_out servers > servers.log 2>&1 &
until [ -f servers/env ]; do kill -0 $! && sleep 0.2; done
. servers/env
export SPOJKA_HUB_HOME="$PWD/hub" SPOJKA_HUB_PORT=0 SPOJKA_ADAPTER_HEALTH_PORT=0
spojka-hub init --programme district --trial --partitions 4
spojka-hub migrate
spojka-hub run > hub.log 2>&1 &
export HUB_ADDRESS="$SPOJKA_HUB_BOOTSTRAP" FIRST_LIST="$PWD/hub/trust-list-1.dsse.json"
mkdir up
cp "$FIRST_LIST" up
printf 'programme = "district"\\nbootstrap = "%s"\\nhealth_port = 0\\n' "$HUB_ADDRESS" > up/adapter.toml
spojka-adapter enrol up --institution office --institution-name "Labour office" --name "Labour office" --home up > up.json
spojka-hub trust-list admit up.json --secrecy
spojka-adapter run --home up > up.log 2>&1 &
operator_admits() {{ spojka-hub trust-list admit "$1" --secrecy; spojka-hub trust-list publish; }}
mend_your_sheet() {{ cp mended.xlsx "$1"; }}
the_other_office_answers() {{
  until [ "$(spojka-adapter worklist --actor adviser/w2 --home up --json | grep -o '"referral"' | wc -l)" = 10 ]; do sleep 0.5; done
  first=$(spojka-adapter worklist --actor adviser/w2 --home up --json | grep -o '"referral": *"[^"]*"' | head -n 1 | cut -d'"' -f4)
  spojka-adapter answer accept "$first" --client L-1 --home up
}}
"""


@pytest.mark.embedded
@pytest.mark.postgres
@pytest.mark.timeout(280)
def test_what_a_volunteer_types_works_as_it_stands(tmp_path: Path) -> None:
    write_sheet(tmp_path / "predani.xlsx", **due())
    write_sheet(tmp_path / "mended.xlsx", **mended())
    page = "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
    script = THE_OTHERS.format(repository=REPOSITORY, folder=tmp_path) + page
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPOJKA_")}
    done = subprocess.run(
        ["/bin/bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    logs = "".join(path.read_text(errors="replace")[-3000:] for path in tmp_path.glob("*.log"))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:] + logs
    assert "Traceback" not in done.stderr + logs
    for cell in ("Úřad vlády", "31. 2. 2026"):
        assert cell in done.stdout, "a wrong cell is named"
    sheet = load_workbook(tmp_path / "predani-odpovedi.xlsx").active
    assert sheet is not None
    names, *rows = list(sheet.iter_rows(min_row=3, values_only=True))
    states = Counter(row[names.index("Stav")] for row in rows)
    assert sorted(states.values()) == [1, 9], states  # one was accepted, the others have arrived
    assert "recovery" in done.stdout
    assert [
        one.pid for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(one.info["cmdline"] or [])
    ] == []


def due() -> dict[str, dict[str, object]]:
    """Answers are due long after today."""
    return {f"n{number}": {"Odpověď do": "20. 2. 2099"} for number in range(1, 11)}


def mended() -> dict[str, dict[str, object]]:
    """The three wrong cells, set right."""
    right: dict[str, dict[str, object]] = {
        "n3": {"Souhlas": "C3/2026"},
        "n5": {"Komu": "Úřad práce Děčín"},
        "n7": {"Datum": "11. 2. 2026"},
    }
    return {name: row | right.get(name, {}) for name, row in due().items()}
