"""The newcomer's first command plays the story, and every promise holds."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.servers.errors import MissingComponentError
from deploy.servers.java import java
from deploy.servers.kafka_jars import kafka_jars
from tests.database_cells import cells

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "deploy" / "demo"
NOTICE = "eu.spojka.consent.expiry-announced.v1"
PROMISES = [
    "1-nothing-lost",
    "2-only-with-ground",
    "3-evidence",
    "4-erasure",
    "5-offline",
    "6-explained",
    "7-no-sanctions",
]


def demo(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([DEMO, "--once", "--json", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-4000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(summary: dict[str, Any]) -> None:
    assert [one["id"] for one in summary["promises"]] == PROMISES
    assert [one["id"] for one in summary["promises"] if not one["held"]] == []
    assert all(any(char.isdigit() for char in one["evidence"]) for one in summary["promises"])
    events = summary["events"]
    assert events["refused"] > 0
    assert events["delivered"] > 0
    assert events["sent"] + 1 == events["accepted"] + events["refused"]  # one stray message was in no outbox
    units = {name: unit for one in summary["institutions"].values() for name, unit in one["units"].items()}
    assert set(units) == {"op", "up", "md", "md-claims", "vz"}
    assert units["md-claims"]["timeline"] == units["md-claims"]["worklist"] == []
    assert [row["state"] for row in units["up"]["worklist"] if row["category"] == "employment"] == ["closed"]
    told = {name for name, unit in units.items() if NOTICE in {entry["type"] for entry in unit["timeline"]}}
    assert told == {"op", "up"}, "who shares under the consent that ends on 2027-01-31 is told, and nobody else"
    assert any("88" in str(entry["facts"]) and entry["corrected"] for entry in units["vz"]["timeline"])


@pytest.mark.embedded
@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_a_newcomer_sees_every_promise_kept_and_finds_what_was_stored(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    check(demo("--keep", str(keep)))
    homes = {"poradna", "urad-prace", "mesto", "skola"}
    assert {one.name for one in (keep / "adapters").iterdir()} == homes | {f"{home}.unlock" for home in homes}
    for part in ("broker", "postgres", "logs", "exports"):
        assert (keep / part).is_dir()
    assert [one.name for one in psutil.process_iter() if str(keep) in " ".join(_command(one))] == []


@pytest.mark.kafka
@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.timeout(1200)
def test_the_story_is_the_same_on_real_kafka_and_its_words_stand_open_nowhere_but_where_they_may_be_read(
    tmp_path: Path,
) -> None:
    try:
        java()
        kafka_jars()
    except MissingComponentError as missing:
        pytest.skip(str(missing))
    word, keep = f"Mark{secrets.token_hex(9)}", tmp_path / "kept"
    summary = demo("--kafka", "--mark", word, "--keep", str(keep))
    check(summary)
    units = {name: unit for one in summary["institutions"].values() for name, unit in one["units"].items()}
    assert {name for name, unit in units.items() if word in json.dumps(unit)} == {"op", "up", "md", "vz"}
    stolen = [keep / part for part in ("broker", "postgres", "logs", "hub", "keys", "exports/audit-bundle")]
    files = [one for part in stolen for one in part.rglob("*") if one.is_file()]
    assert len(files) > 100
    assert [str(one.relative_to(keep)) for one in files if holds(one, word)] == []
    city = keep / "adapters" / "mesto" / "units"
    assert shows(city / "md", word), "who may read it has it"
    assert not shows(city / "md-claims", word)
    folders = [one for unit in (keep / "adapters").glob("*/units/*") for one in unit.rglob("*") if one.is_file()]
    assert len(folders) > len(units)
    assert [str(one.relative_to(keep)) for one in folders if holds(one, word)] == [], "a stolen folder tells it"


def shows(folder: Path, word: str) -> bool:
    """Whether a unit's own key finds a word in its databases."""
    return any(word.encode() in cell for cell in cells(folder))


def holds(file: Path, word: str) -> bool:
    """Whether a word stands in a file, as it is, in hexadecimal or in base64."""
    raw = word.encode()
    forms = [raw, raw.lower(), raw.hex().encode()]
    forms += [
        code(b"x" * lead + raw)[4 if lead else 0 : -4] for lead in range(3) for code in (b64encode, urlsafe_b64encode)
    ]
    content = file.read_bytes()
    return any(form in content for form in forms)


@pytest.mark.timeout(120)
def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    done = subprocess.run([DEMO, "--once", "--keep", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["mine"]


@pytest.mark.embedded
@pytest.mark.postgres
@pytest.mark.timeout(120)
def test_whoever_ends_it_in_the_midst_leaves_no_process_behind(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    running = subprocess.Popen(
        [DEMO, "--keep", keep], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ
    )
    assert running.stderr is not None
    for line in running.stderr:
        if "2026-02-02" in line:
            break
    running.send_signal(signal.SIGTERM)
    running.stderr.read()
    assert running.wait(60) == 128 + signal.SIGTERM
    assert [one.name for one in psutil.process_iter() if str(keep) in " ".join(_command(one))] == []


def _command(process: psutil.Process) -> list[str]:
    """What a process was started with, its settings included, where they may be seen."""
    try:
        return [*process.cmdline(), *process.environ().values()]
    except psutil.Error:
        return []
